/* A program that binds to a local address and then connects, as ssh -b does. */
#include "victim.h"

int main(int argc, char **argv) {
    address to = parse(argv[1]), here = parse(argv[2]), peer;
    int fd = stream_to(&here, 0);
    tell("bind", S(bind)(fd, &here.u.any, here.len));
    tell("bind again", S(bind)(fd, &here.u.any, here.len));
    /* Asking where it is bound asks the proxy, which knows nothing yet of the connect that follows. */
    if (argc > 3)
        check("bound to a port", ntohs(local_name(fd).u.v4.sin_port) != 0);
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    peer = peer_name(fd);
    check("the peer is the target", strcmp(show(&peer), argv[1]) == 0);
    peer = local_name(fd);
    check("the local name is what the target sees", strcmp(show(&peer), ask(fd, "who")) == 0);
    tell("listen", S(listen)(fd, 1));
    check_echo(fd);
    return S(close)(fd);
}
