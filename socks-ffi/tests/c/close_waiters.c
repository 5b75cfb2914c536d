/*
 * A thread closes a socket on its way while others wait for it in epoll_wait, select, read and connect, and its number
 * is taken anew at once: nobody hangs, nobody hears of a success, and the new one is left alone.
 */
#include "victim.h"

#include <pthread.h>
#include <sys/epoll.h>

static address to;
static int fd, epoll;

static void *do_epoll(void *argument) {
    struct epoll_event event;
    return S(epoll_wait)(epoll, &event, 1, 300) == 0 ? argument : NULL;
}

static void *do_select(void *argument) {
    struct timeval timeout = {0, 300000};
    fd_set out;
    FD_ZERO(&out);
    FD_SET(fd, &out);
    /* The number may be that of the new socket, which is writable with a hang-up: so it is for the kernel. */
    return S(select)(fd + 1, NULL, &out, NULL, &timeout) <= 1 ? argument : NULL;
}

static void *do_read(void *argument) {
    char byte;
    return IO(read)(fd, &byte, 1) <= 0 ? argument : NULL;
}

static void *do_connect(void *argument) {
    return S(connect)(fd, &to.u.any, to.len) == -1 ? argument : NULL;
}

static void close_under(const char *what, void *(*run)(void *), int flags) {
    struct epoll_event event;
    address peer;
    pthread_t thread;
    void *good;
    int fresh, saved = fd = stream_to(&to, flags);
    event.events = EPOLLOUT;
    event.data.u64 = 0;
    epoll = epoll_create1(0);
    if (run != do_connect && S(connect)(fd, &to.u.any, to.len) != -1)
        die("connect");
    if (run == do_read)
        fcntl(fd, F_SETFL, 0);
    if (run == do_epoll && S(epoll_ctl)(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl");
    if (pthread_create(&thread, NULL, run, &to) != 0)
        die("pthread_create");
    usleep(50000);
    tell("close", S(close)(saved));
    fresh = stream_to(&to, SOCK_NONBLOCK);
    check("the same number", fresh == saved);
    pthread_join(thread, &good);
    check(what, good != NULL);
    peer.len = sizeof peer.u;
    tell("the new one's peer", S(getpeername)(fresh, &peer.u.any, &peer.len));
    printf("its SO_ERROR: %d\n", socket_error(fresh));
    S(close)(fresh);
    S(close)(epoll);
}

int main(int argc, char **argv) {
    (void)argc;
    to = parse(argv[1]);
    close_under("epoll_wait", do_epoll, SOCK_NONBLOCK);
    close_under("select", do_select, SOCK_NONBLOCK);
    close_under("read", do_read, SOCK_NONBLOCK);
    close_under("connect", do_connect, 0);
    return 0;
}
