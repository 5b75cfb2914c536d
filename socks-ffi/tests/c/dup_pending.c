/* Duplicates of a socket that is on its way share what is known of it, whichever of them is closed. */
#include "victim.h"

int main(int argc, char **argv) {
    address to = parse(argv[1]), peer;
    int fd = stream_to(&to, SOCK_NONBLOCK), second, third;
    char byte = 'x';
    (void)argc;
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    second = S(dup)(fd);
    third = S(dup2)(fd, 100);
    check("dup2 gives the number that was asked for", third == 100);
    tell("close the first", S(close)(fd));
    tell_poll("poll the second", second, POLLOUT, 20);
    tell("write to the second", IO(write)(second, &byte, 1));
    tell("connect the third", S(connect)(third, &to.u.any, to.len));
    tell_poll("the first is no descriptor", fd, POLLOUT, 0);
    tell("onto itself", S(dup2)(third, third));
    tell_poll("poll the third", third, POLLOUT, 0);
    open_gate(argv[2]);
    tell_poll("poll the third", third, POLLOUT, -1);
    tell_poll("poll the second", second, POLLOUT, -1);
    peer = peer_name(second);
    check("the peer is the target", strcmp(show(&peer), argv[1]) == 0);
    tell("close the third", S(close)(third));
    printf("SO_ERROR: %d\n", socket_error(second));
    check_echo(second);
    return S(close)(second);
}
