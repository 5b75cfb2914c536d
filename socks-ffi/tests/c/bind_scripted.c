/* BIND with the proxy's own address, which is none of this machine. */
#include "victim.h"

int main(int argc, char **argv) {
    address here = parse(argv[1]), bound, peer;
    int fd = stream_to(&here, 0), data;
    (void)argc;
    if (tell("bind", S(bind)(fd, &here.u.any, here.len)) != 0)
        return S(close)(fd);
    bound = local_name(fd);
    printf("bound to %s\n", show(&bound));
    tell("bind again", S(bind)(fd, &here.u.any, here.len));
    tell("listen", S(listen)(fd, 1));
    bound = local_name(fd);
    printf("bound to %s\n", show(&bound));
    peer.len = sizeof peer.u;
    data = S(accept)(fd, &peer.u.any, &peer.len);
    if (data < 0) {
        tell("accept", data);
        return S(close)(fd);
    }
    printf("from %s\n", show(&peer));
    peer = peer_name(data);
    printf("from %s\n", show(&peer));
    printf("%s\n", read_line(data));
    S(close)(data);
    return S(close)(fd);
}
