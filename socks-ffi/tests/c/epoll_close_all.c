/* A program that closes every number it does not know, and takes some, while its sockets are on their way. */
#include "victim.h"
#include <sys/epoll.h>

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int fd = stream_to(&to, SOCK_NONBLOCK), epoll = epoll_create1(0), late = stream_to(&to, SOCK_NONBLOCK), n;
    struct epoll_event event;
    (void)argc;
    event.events = EPOLLOUT | EPOLLONESHOT;
    event.data.u64 = 1;
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    tell("add", S(epoll_ctl)(epoll, EPOLL_CTL_ADD, fd, &event));
    for (n = 3; n < 1024; n++)
        if (n != fd && n != epoll && n != late)
            S(close)(n);
    for (n = 200; n < 300; n++)
        if (S(dup2)(STDOUT_FILENO, n) != n)
            die("dup2");
    event.data.u64 = 2;
    tell("connect", S(connect)(late, &to.u.any, to.len));
    tell("add", S(epoll_ctl)(epoll, EPOLL_CTL_ADD, late, &event));
    tell("on their way", S(epoll_wait)(epoll, &event, 1, 20));
    open_gate(argv[2]);
    tell("connected", S(epoll_wait)(epoll, &event, 1, -1));
    n = (int)event.data.u64;
    tell("the other", S(epoll_wait)(epoll, &event, 1, -1));
    check("each once", n + (int)event.data.u64 == 3);
    check_echo(fd);
    check_echo(late);
    for (n = 200; n < 300; n++)
        if (fcntl(n, F_GETFD) < 0)
            die("a number of the program's was closed");
    S(close)(epoll);
    for (n = 200; n < 300; n++)
        if (fcntl(n, F_GETFD) < 0)
            die("a number of the program's was closed with the epoll");
    return 0;
}
