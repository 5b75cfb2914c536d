/* Sockets on their way in epolls: every flag is kept, changes and removals count, and the time is exact. */
#include "victim.h"
#include <pthread.h>
#include <sys/wait.h>

#ifndef EPOLLEXCLUSIVE
#define EPOLLEXCLUSIVE (1U << 28)
#endif

static void tell_event(const char *what, int ready, const struct epoll_event *event) {
    printf("%s: %d", what, ready);
    if (ready > 0)
        printf("%s%s%s%s%s, number %d", event->events & EPOLLIN ? " in" : "", event->events & EPOLLOUT ? " out" : "",
               event->events & EPOLLRDHUP ? " read-hangup" : "", event->events & EPOLLERR ? " error" : "",
               event->events & EPOLLHUP ? " hangup" : "", (int)event->data.u64);
    puts("");
}

static void tell_epoll(const char *what, int epoll, int timeout) {
    struct epoll_event event;
    int ready = S(epoll_wait)(epoll, &event, 1, timeout);
    tell_event(what, ready, &event);
}

/* To a tenth of a millisecond, as far as a lower bound can tell. */
static void tell_pwait2(const char *what, int epoll, long nanoseconds) {
    struct timespec timeout = {0, 0}, begun, now;
    struct epoll_event event;
    int ready;
    timeout.tv_nsec = nanoseconds;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    ready = S(epoll_pwait2)(epoll, &event, 1, &timeout, NULL);
    clock_gettime(CLOCK_MONOTONIC, &now);
    tell_event(what, ready, &event);
    if (ready == 0)
        check("not too early", (now.tv_sec - begun.tv_sec) * 1000000000LL + now.tv_nsec - begun.tv_nsec >= nanoseconds);
}

/* The kernel's own list of what is registered. */
static void tell_registered(const char *what, int epoll, int fd) {
    char path[64], line[128];
    unsigned found = 0, events;
    int number;
    FILE *info;
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", epoll);
    info = fopen(path, "r");
    while (info != NULL && fgets(line, sizeof line, info) != NULL)
        if (sscanf(line, "tfd: %d events: %x", &number, &events) == 2 && number == fd)
            found = events;
    S(fclose)(info);
    printf("%s: %x\n", what, found & ~(unsigned)(EPOLLERR | EPOLLHUP));
}

static void *wait_for_one(void *epoll) {
    struct epoll_event event;
    return (void *)(intptr_t)S(epoll_wait)(*(int *)epoll, &event, 1, -1);
}

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int exclusive = on_its_way(&to), hangup = on_its_way(&to), changed = on_its_way(&to), removed = on_its_way(&to);
    int child = on_its_way(&to), copied = on_its_way(&to), late = on_its_way(&to);
    int epoll = epoll_create1(0), changes = epoll_create1(0), family = epoll_create1(0), copies = epoll_create1(0);
    int second, waited = epoll_create1(0), status;
    long long begun = now_in_ms();
    pthread_t waiter;
    void *woken;
    pid_t pid;
    (void)argc;
    setvbuf(stdout, NULL, _IOLBF, 0);

    tell("exclusive", control(epoll, EPOLL_CTL_ADD, exclusive, EPOLLOUT | EPOLLEXCLUSIVE | EPOLLET, 1));
    tell("exclusive with a flag that does not go with it",
         control(epoll, EPOLL_CTL_ADD, hangup, EPOLLOUT | EPOLLEXCLUSIVE | EPOLLONESHOT, 2));
    tell("exclusive cannot be changed", control(epoll, EPOLL_CTL_MOD, exclusive, EPOLLIN | EPOLLEXCLUSIVE, 1));
    tell("nor be changed to", (control(epoll, EPOLL_CTL_ADD, hangup, EPOLLRDHUP | EPOLLPRI, 2),
                               control(epoll, EPOLL_CTL_MOD, hangup, EPOLLRDHUP | EPOLLEXCLUSIVE, 2)));
    tell("change", (control(changes, EPOLL_CTL_ADD, changed, EPOLLIN, 3),
                    control(changes, EPOLL_CTL_MOD, changed, EPOLLOUT | EPOLLET, 4)));
    tell("remove", (control(changes, EPOLL_CTL_ADD, removed, EPOLLOUT, 5),
                    control(changes, EPOLL_CTL_DEL, removed, 0, 0)));
    tell("no such operation", control(changes, 77, removed, EPOLLOUT, 5));
    tell("an epoll in itself", control(changes, EPOLL_CTL_ADD, changes, EPOLLIN, 5));
    tell("no events", S(epoll_wait)(changes, NULL, 0, 0));
    control(family, EPOLL_CTL_ADD, child, EPOLLOUT, 6);
    second = S(dup)(copies);
    control(copies, EPOLL_CTL_ADD, copied, EPOLLOUT | EPOLLET, 7);

    begun = now_in_ms();
    tell_epoll("on its way", epoll, 30);
    tell_epoll("on its way", second, 30);
    check("each took its time", now_in_ms() - begun >= 60);
    tell_pwait2("two and a half milliseconds", changes, 2500000);
    tell_pwait2("a tenth of one", changes, 100000);
    tell_pwait2("none", changes, 0);
    if (pthread_create(&waiter, NULL, wait_for_one, &waited) != 0)
        die("pthread_create");
    /* Most likely it waits by now; right it must be in any case. */
    usleep(20000);
    control(waited, EPOLL_CTL_ADD, late, EPOLLOUT, 8);

    open_gate(argv[2]);
    tell_epoll("exclusive", epoll, -1);
    tell_poll("the other", hangup, POLLOUT, -1);
    tell_registered("its flags", epoll, exclusive);
    tell_registered("those of the other", epoll, hangup);
    tell_epoll("changed", changes, -1);
    tell_registered("its flags", changes, changed);
    tell_poll("removed", removed, POLLOUT, -1);
    tell_registered("its flags", changes, removed);
    tell_epoll("nothing else", changes, 10);
    tell_epoll("by the duplicate", second, -1);
    S(close)(copies);
    write_line(copied, "an edge");
    tell("change by the duplicate", control(second, EPOLL_CTL_MOD, copied, EPOLLIN, 9));
    tell_epoll("by the duplicate alone", second, -1);
    puts(read_line(copied));
    pthread_join(waiter, &woken);
    printf("who waited already: %d\n", (int)(intptr_t)woken);
    tell_epoll("before the fork", family, -1);
    pid = fork();
    if (pid == 0) {
        tell_epoll("child", family, -1);
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    printf("the child ended with %d\n", status);
    tell_epoll("after the fork", family, -1);
    S(shutdown)(hangup, SHUT_WR);
    tell_epoll("the other end is closed", epoll, -1);
    check_echo(exclusive);
    return 0;
}
