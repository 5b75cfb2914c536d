/* A duplicate that was registered with epoll before the socket connects; and a connect to nothing, which all share. */
#include "victim.h"

#include <sys/epoll.h>

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int fd = stream_to(&to, SOCK_NONBLOCK), twin = S(dup)(fd), epoll = epoll_create1(0), other;
    struct epoll_event event;
    struct sockaddr nothing;
    (void)argc;
    memset(&event, 0, sizeof event);
    event.events = EPOLLOUT | EPOLLET;
    event.data.u64 = 5;
    if (S(epoll_ctl)(epoll, EPOLL_CTL_ADD, twin, &event) != 0)
        die("epoll_ctl");
    S(epoll_wait)(epoll, &event, 1, 0);
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    tell("epoll_wait", S(epoll_wait)(epoll, &event, 1, 0));
    tell("connect by the twin", S(connect)(twin, &to.u.any, to.len));
    open_gate(argv[2]);
    tell("epoll_wait", S(epoll_wait)(epoll, &event, 1, -1));
    printf("data: %d\n", (int)event.data.u64);
    printf("SO_ERROR: %d\n", socket_error(twin));
    check_echo(twin);

    memset(&nothing, 0, sizeof nothing);
    nothing.sa_family = AF_UNSPEC;
    tell("connect to nothing", S(connect)(twin, &nothing, sizeof nothing));
    check("the other one has no peer either", S(getpeername)(fd, &to.u.any, &to.len) == -1 && errno == ENOTCONN);
    to = parse(argv[1]);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    tell("connect again", S(connect)(fd, &to.u.any, to.len));
    check_echo(twin);
    other = S(dup)(twin);
    S(close)(twin);
    S(close)(fd);
    check_echo(other);
    return S(close)(other);
}
