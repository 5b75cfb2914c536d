/* What connect says for each of several targets: blocking, or non-blocking by poll or epoll and SO_ERROR. */
#include "victim.h"
#include <sys/epoll.h>

int main(int argc, char **argv) {
    int i;
    for (i = 2; i < argc; i++) {
        address to = parse(argv[i]);
        int nonblocking = strcmp(argv[1], "wait") != 0;
        int fd = stream_to(&to, nonblocking ? SOCK_NONBLOCK : 0);
        int outcome = S(connect)(fd, &to.u.any, to.len);
        int error = outcome == 0 ? 0 : errno;
        if (error == EINPROGRESS && strcmp(argv[1], "epoll") == 0) {
            struct epoll_event event = {EPOLLOUT, {0}};
            int epoll = epoll_create1(0);
            S(epoll_ctl)(epoll, EPOLL_CTL_ADD, fd, &event);
            S(epoll_wait)(epoll, &event, 1, -1);
            error = socket_error(fd);
            S(close)(epoll);
        } else if (error == EINPROGRESS) {
            struct pollfd wait = {0, POLLOUT, 0};
            wait.fd = fd;
            S(poll)(&wait, 1, -1);
            error = socket_error(fd);
        }
        printf("%d: %s\n", i - 1, error_name(error));
        S(close)(fd);
    }
    return 0;
}
