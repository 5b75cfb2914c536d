/* A proxy of another family than the socket: the program sees nothing of it. */
#include "victim.h"

int main(int argc, char **argv) {
    address to = parse(argv[1]), name;
    int fd = stream_to(&to, SOCK_NONBLOCK), second;
    (void)argc;
    tell("connect", S(connect)(fd, &to.u.any, to.len) == 0 || errno == EINPROGRESS ? 0 : -1);
    tell_poll("poll", fd, POLLOUT, -1);
    printf("SO_ERROR: %d\n", socket_error(fd));
    name = peer_name(fd);
    check("the peer is the target", strcmp(show(&name), argv[1]) == 0 && name.len == to.len);
    name = local_name(fd);
    check("the local name is what the target sees", strcmp(show(&name), ask(fd, "who")) == 0);
    check("non-blocking", fcntl(fd, F_GETFL) & O_NONBLOCK);
    second = S(dup)(fd);
    S(close)(fd);
    name = peer_name(second);
    check("so for a duplicate", strcmp(show(&name), argv[1]) == 0);
    check_echo(second);
    return S(close)(second);
}
