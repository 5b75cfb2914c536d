/* Thousands of connects at once in one thread, none of which is answered before the last one has begun. */
#include "victim.h"
#include <sys/epoll.h>
#include <sys/resource.h>

static void finish(int fd) {
    /* Cut off and not closed: else each would keep its port for a minute. */
    struct linger linger = {1, 0};
    if (socket_error(fd) != 0)
        die("SO_ERROR");
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    S(close)(fd);
}

static int wait_by_epoll(int epoll, const int *fds) {
    static struct epoll_event events[512];
    int i, ready = S(epoll_wait)(epoll, events, 512, -1);
    for (i = 0; i < ready; i++)
        finish(fds[events[i].data.u32]);
    return ready;
}

static int wait_by_poll(struct pollfd *waits, int many) {
    int i, ready = S(poll)(waits, (nfds_t)many, -1);
    for (i = 0; i < many && ready > 0; i++)
        if (waits[i].fd >= 0 && waits[i].revents != 0) {
            finish(waits[i].fd);
            waits[i].fd = -1;
        }
    return ready;
}

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int by_epoll = strcmp(argv[2], "epoll") == 0, many = atoi(argv[3]), epoll = epoll_create1(0), i, done = 0;
    int *fds = malloc((size_t)many * sizeof *fds);
    struct pollfd *waits = malloc((size_t)many * sizeof *waits);
    struct rlimit limit;
    (void)argc;
    if (fds == NULL || waits == NULL || getrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("malloc");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("setrlimit");
    for (i = 0; i < many; i++) {
        struct epoll_event event;
        event.events = EPOLLOUT;
        event.data.u64 = (uint64_t)i;
        fds[i] = waits[i].fd = stream_to(&to, SOCK_NONBLOCK);
        waits[i].events = POLLOUT;
        if (S(connect)(fds[i], &to.u.any, to.len) != -1 || errno != EINPROGRESS)
            die("connect");
        if (by_epoll && S(epoll_ctl)(epoll, EPOLL_CTL_ADD, fds[i], &event) != 0)
            die("epoll_ctl");
    }
    puts("all have begun");
    while (done < many) {
        int ready = by_epoll ? wait_by_epoll(epoll, fds) : wait_by_poll(waits, many);
        if (ready <= 0)
            die("a wait");
        done += ready;
    }
    check("each is told of once", done == many);
    free(fds);
    free(waits);
    return S(close)(epoll);
}
