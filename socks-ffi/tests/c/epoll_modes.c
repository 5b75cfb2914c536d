/* Non-blocking connects seen by epoll: each mode, registered before and after the connect. */
#include "victim.h"

static const struct {
    const char *name;
    uint32_t events;
} modes[] = {
    {"level", EPOLLOUT},
    {"level, all", EPOLLIN | EPOLLOUT | EPOLLRDHUP},
    {"edge", EPOLLIN | EPOLLOUT | EPOLLET},
    {"once", EPOLLOUT | EPOLLONESHOT},
};
#define MODES (sizeof modes / sizeof *modes)

static void add(int epoll, int op, int fd, uint32_t events, uint64_t data) {
    if (control(epoll, op, fd, events, data) != 0)
        die("epoll_ctl");
}

/* Prints what is told of one epoll, and whether the data came back. */
static void tell_epoll(const char *what, int epoll, uint64_t data, int timeout) {
    struct epoll_event events[4];
    int ready = S(epoll_wait)(epoll, events, 4, timeout);
    printf("%s: %d", what, ready);
    if (ready > 0)
        printf("%s%s%s%s%s", events[0].events & EPOLLIN ? " in" : "", events[0].events & EPOLLOUT ? " out" : "",
               events[0].events & EPOLLERR ? " error" : "", events[0].events & EPOLLHUP ? " hangup" : "",
               events[0].data.u64 == data ? "" : " for somebody else");
    puts("");
}

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int fds[2 * MODES], epolls[2 * MODES];
    size_t i;
    long long begun;
    (void)argc;
    for (i = 0; i < 2 * MODES; i++) {
        uint64_t data = 0x1122334455667700 + i;
        fds[i] = stream_to(&to, SOCK_NONBLOCK);
        epolls[i] = epoll_create1(EPOLL_CLOEXEC);
        if (i % 2 == 0)
            add(epolls[i], EPOLL_CTL_ADD, fds[i], modes[i / 2].events, data);
        if (S(connect)(fds[i], &to.u.any, to.len) != -1 || errno != EINPROGRESS)
            die("connect");
        if (i % 2 == 1)
            add(epolls[i], EPOLL_CTL_ADD, fds[i], modes[i / 2].events, data);
    }
    begun = now_in_ms();
    for (i = 0; i < 2 * MODES; i++)
        tell_epoll("on its way", epolls[i], 0, 10);
    check("each took its time", now_in_ms() - begun >= 10 * (long long)(2 * MODES));

    open_gate(argv[2]);
    for (i = 0; i < 2 * MODES; i++) {
        uint64_t data = 0x1122334455667700 + i;
        printf("%s, registered %s\n", modes[i / 2].name, i % 2 == 0 ? "before" : "after");
        tell_epoll("connected", epolls[i], data, -1);
        printf("SO_ERROR: %s\n", error_name(socket_error(fds[i])));
        tell_epoll("again", epolls[i], data, 10);
        write_line(fds[i], "to you and back");
        add(epolls[i], EPOLL_CTL_MOD, fds[i], EPOLLIN | (modes[i / 2].events & (EPOLLET | EPOLLONESHOT)), data + 100);
        tell_epoll("answered", epolls[i], data + 100, -1);
        printf("echo: %s\n", read_line(fds[i]));
        S(close)(fds[i]);
        tell_epoll("closed", epolls[i], data, 0);
        S(close)(epolls[i]);
    }
    return 0;
}
