/* Sockets that are closed while on their way leave nothing behind: their numbers are fresh, a hundred times. */
#include "victim.h"

int main(int argc, char **argv) {
    address to = parse(argv[1]), peer;
    int fd = -1, i, first, others = 0;
    (void)argc;
    first = stream_to(&to, 0);
    S(close)(first);
    for (i = 0; i < 100; i++) {
        fd = stream_to(&to, SOCK_NONBLOCK);
        if (fd != first || S(connect)(fd, &to.u.any, to.len) != -1 || errno != EINPROGRESS)
            others++;
        S(close)(fd);
    }
    printf("otherwise: %d\n", others);
    fd = stream_to(&to, 0);
    check("the same number", fd == first);
    peer.len = sizeof peer.u;
    tell("getpeername", S(getpeername)(fd, &peer.u.any, &peer.len));
    tell_select("select", fd, 0);
    return S(close)(fd);
}
