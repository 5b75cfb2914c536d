/* Waiting by epoll for the one connection to accept: level, edge and once. */
#include "victim.h"
#include <sys/epoll.h>

static void tell_epoll(const char *what, int epoll, int timeout) {
    struct epoll_event event;
    int ready = S(epoll_wait)(epoll, &event, 1, timeout);
    printf("%s: %d%s\n", what, ready, ready > 0 && event.events == EPOLLIN && event.data.u32 == 77 ? " in" : "");
}

int main(int argc, char **argv) {
    address to = parse(argv[1]), here = parse(argv[2]), bound;
    int control = connected_to(&to), fd = stream_to(&here, SOCK_NONBLOCK), data;
    int level = epoll_create1(0), edge = epoll_create1(0), once = epoll_create1(0);
    struct epoll_event event;
    char call[100];
    (void)argc;
    if (S(bind)(fd, &here.u.any, here.len) != 0 || S(listen)(fd, 5) != 0)
        die("bind");
    event.data.u64 = 77;
    event.events = EPOLLIN;
    S(epoll_ctl)(level, EPOLL_CTL_ADD, fd, &event);
    event.events = EPOLLIN | EPOLLET;
    S(epoll_ctl)(edge, EPOLL_CTL_ADD, fd, &event);
    event.events = EPOLLIN | EPOLLONESHOT;
    S(epoll_ctl)(once, EPOLL_CTL_ADD, fd, &event);
    bound = local_name(fd);
    tell_epoll("nobody has come", level, 20);

    snprintf(call, sizeof call, "call %s", show(&bound));
    check("somebody calls", strncmp(ask(control, call), "calling from ", 13) == 0);
    tell_epoll("level", level, -1);
    tell_epoll("level again", level, -1);
    tell_epoll("edge", edge, -1);
    tell_epoll("edge again", edge, 20);
    tell_epoll("once", once, -1);
    tell_epoll("once again", once, 20);
    S(epoll_ctl)(once, EPOLL_CTL_MOD, fd, &event);
    tell_epoll("once more", once, -1);
    data = S(accept)(fd, NULL, NULL);
    check("accepted", data >= 0);
    tell_epoll("nobody else has come", level, 20);
    printf("%s\n", read_line(data));
    check_echo(data);
    tell("taken out", S(epoll_ctl)(level, EPOLL_CTL_DEL, fd, NULL));
    S(close)(fd);
    check_echo(data);
    S(close)(data);
    return S(close)(control);
}
