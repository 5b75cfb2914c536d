/* 200 connects at once that nobody waits for one by one: by poll, or by epoll. */
#include "victim.h"
#include <sys/epoll.h>

enum { MANY = 200 };

static int fds[MANY], is_done[MANY];

static void finish(int number) {
    char said[32];
    int len;
    if (is_done[number]++)
        return;
    if (socket_error(fds[number]) != 0)
        die("SO_ERROR");
    /* In one piece, as a second one would wait for word of the first. */
    len = snprintf(said, sizeof said, "number %d\n", number);
    if (S(write)(fds[number], said, (size_t)len) != len)
        die("write");
    said[len - 1] = 0;
    if (strcmp(read_line(fds[number]), said) != 0)
        die("another one's answer");
}

static int wait_by_poll(int timeout) {
    struct pollfd waits[MANY];
    int i, ready, done = 0;
    for (i = 0; i < MANY; i++) {
        waits[i].fd = is_done[i] ? -1 : fds[i];
        waits[i].events = POLLOUT;
    }
    ready = S(poll)(waits, MANY, timeout);
    for (i = 0; i < MANY && ready > 0; i++)
        if (waits[i].fd >= 0 && waits[i].revents != 0) {
            finish(i);
            done++;
        }
    return ready == done ? done : -1;
}

static int wait_by_epoll(int epoll, int timeout) {
    struct epoll_event events[64];
    int i, ready = S(epoll_wait)(epoll, events, 64, timeout);
    for (i = 0; i < ready; i++) {
        if (is_done[events[i].data.u32])
            return -1;
        finish((int)events[i].data.u32);
        S(epoll_ctl)(epoll, EPOLL_CTL_DEL, fds[events[i].data.u32], NULL);
    }
    return ready;
}

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int by_epoll = strcmp(argv[3], "epoll") == 0, epoll = epoll_create1(0), i, done = 0, others = 0;
    (void)argc;
    for (i = 0; i < MANY; i++) {
        struct epoll_event event;
        event.events = EPOLLOUT;
        event.data.u64 = (uint64_t)i;
        fds[i] = stream_to(&to, SOCK_NONBLOCK);
        if (S(connect)(fds[i], &to.u.any, to.len) != -1 || errno != EINPROGRESS)
            others++;
        if (by_epoll && S(epoll_ctl)(epoll, EPOLL_CTL_ADD, fds[i], &event) != 0)
            die("epoll_ctl");
    }
    printf("not begun: %d\n", others);
    tell("on their way", by_epoll ? wait_by_epoll(epoll, 20) : wait_by_poll(20));
    open_gate(argv[2]);
    while (done < MANY) {
        int more = by_epoll ? wait_by_epoll(epoll, -1) : wait_by_poll(-1);
        if (more <= 0)
            die("told of what is not");
        done += more;
    }
    printf("connected: %d\n", done);
    for (i = 0; i < MANY; i++)
        S(close)(fds[i]);
    return S(close)(epoll);
}
