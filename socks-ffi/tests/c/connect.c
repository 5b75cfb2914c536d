/* A blocking connect, the names of both ends, data both ways, and the end of the stream. */
#include "victim.h"

int main(int argc, char **argv) {
    address to = parse(argv[1]), peer, local;
    int fd = stream_to(&to, 0);
    char byte;
    /* A proxy that does not say where it connects from leaves the socket with its own name. */
    int is_said = argc < 3;
    tell("before: getpeername", (peer.len = sizeof peer.u, S(getpeername)(fd, &peer.u.any, &peer.len)));
    errno = 0;
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    check("errno is as it was", errno == 0);
    peer = peer_name(fd);
    local = local_name(fd);
    check("the peer is the target", strcmp(show(&peer), show(&to)) == 0);
    check("in the socket's family", peer.u.any.sa_family == to.u.any.sa_family && peer.len == to.len);
    check("so is the local name", local.u.any.sa_family == to.u.any.sa_family && local.len == to.len);
    if (is_said)
        check("and it is what the target sees", strcmp(show(&local), ask(fd, "who")) == 0);
    tell("SO_ERROR", socket_error(fd));
    tell("connect again", S(connect)(fd, &to.u.any, to.len));
    check_echo(fd);
    tell("shutdown", shutdown(fd, SHUT_WR));
    tell("end of stream", S(read)(fd, &byte, 1));
    tell("close", S(close)(fd));
    tell("close again", S(close)(fd));
    return 0;
}
