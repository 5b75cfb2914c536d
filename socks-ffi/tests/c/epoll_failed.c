/* Connects that fail, seen by epoll: registered before and after, and a next try on the same socket. */
#include "victim.h"
#include <sys/epoll.h>

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int i;
    (void)argc;
    for (i = 0; i < 2; i++) {
        int epoll = epoll_create1(0), fd = stream_to(&to, SOCK_NONBLOCK), again;
        struct epoll_event event;
        event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP;
        event.data.fd = fd;
        if (i == 0)
            S(epoll_ctl)(epoll, EPOLL_CTL_ADD, fd, &event);
        for (again = 0; again < 3; again++) {
            tell("connect", S(connect)(fd, &to.u.any, to.len));
            if (i == 1 && again == 0)
                S(epoll_ctl)(epoll, EPOLL_CTL_ADD, fd, &event);
            memset(&event, 0, sizeof event);
            tell("epoll_wait", S(epoll_wait)(epoll, &event, 1, -1));
            check("writable, with a hang-up", (event.events & (EPOLLOUT | EPOLLHUP)) == (EPOLLOUT | EPOLLHUP));
            check("for us", event.data.fd == fd);
            printf("SO_ERROR: %s\n", error_name(socket_error(fd)));
            printf("SO_ERROR: %s\n", error_name(socket_error(fd)));
        }
        S(close)(fd);
        S(close)(epoll);
    }
    return 0;
}
