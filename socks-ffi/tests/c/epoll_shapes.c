/* Sockets on their way in unusual epolls: shared, nested, waited in already, with duplicates and mistakes. */
#include "victim.h"
#include <pthread.h>

static void tell_epoll(const char *what, int epoll, int data, int timeout) {
    struct epoll_event event = {0, {0}};
    int ready = S(epoll_pwait)(epoll, &event, 1, timeout, NULL), is_ours = event.data.u64 == (uint64_t)data;
    printf("%s: %d%s\n", what, ready, ready <= 0 ? "" : is_ours ? " for us" : " for somebody else");
}

static void *wait_for_it(void *epoll) {
    struct epoll_event event;
    return (void *)(intptr_t)S(epoll_wait)(*(int *)epoll, &event, 1, -1);
}

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int shared = on_its_way(&to), nested = on_its_way(&to), twin = on_its_way(&to), late = on_its_way(&to);
    int gone = on_its_way(&to), copy;
    int first = epoll_create1(0), second = epoll_create1(0), inner = epoll_create1(0), outer = epoll_create1(0);
    int twins = epoll_create1(0), waited = epoll_create1(0), mistakes = epoll_create1(0);
    struct pollfd poll_outer;
    pthread_t waiter;
    void *woken;
    (void)argc;

    tell("to an epoll that is none", control(shared, EPOLL_CTL_ADD, shared, EPOLLOUT, 0));
    tell("change what is not there", control(mistakes, EPOLL_CTL_MOD, gone, EPOLLOUT, 0));
    tell("take out what is not there", control(mistakes, EPOLL_CTL_DEL, gone, 0, 0));
    tell("add", control(mistakes, EPOLL_CTL_ADD, gone, EPOLLOUT, 0));
    tell("add again", control(mistakes, EPOLL_CTL_ADD, gone, EPOLLOUT, 0));
    tell("take out", S(epoll_ctl)(mistakes, EPOLL_CTL_DEL, gone, NULL));
    tell("take out again", S(epoll_ctl)(mistakes, EPOLL_CTL_DEL, gone, NULL));

    control(first, EPOLL_CTL_ADD, shared, EPOLLOUT, 1);
    control(second, EPOLL_CTL_ADD, shared, EPOLLOUT | EPOLLET, 2);
    control(inner, EPOLL_CTL_ADD, nested, EPOLLOUT, 3);
    control(outer, EPOLL_CTL_ADD, inner, EPOLLIN, 4);
    copy = S(dup)(twin);
    control(twins, EPOLL_CTL_ADD, twin, EPOLLOUT, 5);
    S(close)(twin);
    if (pthread_create(&waiter, NULL, wait_for_it, &waited) != 0)
        die("pthread_create");
    control(waited, EPOLL_CTL_ADD, late, EPOLLOUT, 6);
    tell_epoll("first", first, 1, 10);
    tell_epoll("twin", twins, 5, 10);

    open_gate(argv[2]);
    tell_epoll("first", first, 1, -1);
    tell_epoll("second", second, 2, -1);
    poll_outer.fd = outer;
    poll_outer.events = POLLIN;
    do {
        if (S(poll)(&poll_outer, 1, -1) != 1)
            die("poll");
        /* Nested, an epoll may be ready for nothing; it must not stay so. */
    } while (S(epoll_wait)(inner, (struct epoll_event[1]){{0, {0}}}, 1, 0) == 0);
    tell_epoll("inner", inner, 3, 0);
    tell_epoll("the twin of a closed one", twins, 5, -1);
    pthread_join(waiter, &woken);
    printf("who waited already: %d\n", (int)(intptr_t)woken);
    tell_epoll("taken out", mistakes, 0, 10);
    check_echo(shared);
    check_echo(nested);
    check_echo(copy);
    check_echo(late);
    tell_poll("by poll", gone, POLLOUT, -1);
    check_echo(gone);
    return 0;
}
