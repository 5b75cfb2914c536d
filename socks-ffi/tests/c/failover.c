/* The first server never answers: the first connect waits for it for a while, the later ones go to the second at once. */
#include "victim.h"

#include <pthread.h>
#include <sys/epoll.h>

enum { SHARE = 2000 };

static address to;

static long long took(int flags) {
    long long begun = now_in_ms();
    int fd = stream_to(&to, flags), outcome = S(connect)(fd, &to.u.any, to.len), value = 0;
    socklen_t len = sizeof value;
    if (flags) {
        struct epoll_event event;
        int epoll = epoll_create1(0);
        memset(&event, 0, sizeof event);
        event.events = EPOLLOUT;
        if (outcome != -1 || errno != EINPROGRESS || S(epoll_ctl)(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
            die("connect");
        outcome = S(epoll_wait)(epoll, &event, 1, -1) == 1 ? socket_error(fd) : -1;
        S(close)(epoll);
    }
    if (outcome != 0)
        die("connect");
    if (S(getsockopt)(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len) != 0)
        die("getsockopt");
    check_echo(fd);
    S(close)(fd);
    return now_in_ms() - begun;
}

static void *in_a_thread(void *argument) {
    check("a thread does not wait", took(0) < SHARE / 2);
    return argument;
}

int main(int argc, char **argv) {
    pthread_t thread;
    (void)argc;
    to = parse(argv[1]);
    check("the first one waits", took(SOCK_NONBLOCK) >= SHARE);
    check("the second one does not", took(0) < SHARE / 2);
    check("nor does the third, without blocking", took(SOCK_NONBLOCK) < SHARE / 2);
    if (pthread_create(&thread, NULL, in_a_thread, NULL) != 0)
        die("pthread_create");
    pthread_join(thread, NULL);
    return 0;
}
