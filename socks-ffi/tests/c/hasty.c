/* The target's first words come in one piece with the proxy's reply: nothing of them is lost, nothing comes early. */
#include "victim.h"

int main(int argc, char **argv) {
    int i;
    for (i = 1; i < argc; i++) {
        address to = parse(argv[i]), peer, local;
        /* One that waits, one that does not, and one that only reads. */
        int fd = stream_to(&to, i % 3 == 2 ? SOCK_NONBLOCK : 0), port;
        tell("connect", S(connect)(fd, &to.u.any, to.len));
        if (i % 3 == 2) {
            tell_poll("poll", fd, POLLOUT, -1);
            printf("SO_ERROR: %d\n", socket_error(fd));
        }
        peer = peer_name(fd);
        check("the peer is the target", strcmp(show(&peer), argv[i]) == 0);
        local = local_name(fd);
        port = ntohs(local.u.v4.sin_port);
        check("a local name in the socket's family", local.u.any.sa_family == AF_INET && port != 0);
        printf("%s\n", read_line(fd));
        S(close)(fd);
    }
    return 0;
}
