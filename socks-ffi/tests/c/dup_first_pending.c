/* A duplicate that was made before a connect without waiting keeps out of the talk with the proxy. */
#include "victim.h"

int main(int argc, char **argv) {
    address to = parse(argv[1]), peer;
    int fd = stream_to(&to, SOCK_NONBLOCK), second = S(dup)(fd), third = S(dup3)(second, 50, O_CLOEXEC);
    (void)argc;
    tell("connect the second", S(connect)(second, &to.u.any, to.len));
    tell("connect the third", S(connect)(third, &to.u.any, to.len));
    tell("write to the first", IO(write)(fd, "x", 1));
    tell_poll("poll the first", fd, POLLOUT, 20);
    tell("close the second", S(close)(second));
    open_gate(argv[2]);
    tell_poll("poll the first", fd, POLLOUT, -1);
    printf("SO_ERROR: %d\n", socket_error(third));
    peer = peer_name(third);
    check("the peer is the target", strcmp(show(&peer), argv[1]) == 0);
    check("closed at exec, as before", fcntl(third, F_GETFD) == FD_CLOEXEC && fcntl(fd, F_GETFD) == 0);
    check_echo(third);
    S(close)(third);
    check_echo(fd);
    return S(close)(fd);
}
