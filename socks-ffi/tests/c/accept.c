/* One incoming connection: bind, listen, and a peer that was told where to connect to, as FTP does. */
#include "victim.h"

int main(int argc, char **argv) {
    address to = parse(argv[1]), here = parse(argv[2]), bound, peer;
    int control = connected_to(&to), fd = stream_to(&here, 0), data;
    char call[100], said[100];
    if (argc < 4)
        tell("bind", S(bind)(fd, &here.u.any, here.len));
    tell("listen", S(listen)(fd, 5));
    bound = local_name(fd);
    check("bound to a port", ntohs(bound.u.v4.sin_port) != 0 && bound.u.any.sa_family == here.u.any.sa_family);
    peer.len = sizeof peer.u;
    tell("getpeername", S(getpeername)(fd, &peer.u.any, &peer.len));
    snprintf(call, sizeof call, "call %s", show(&bound));
    snprintf(said, sizeof said, "%s", ask(control, call));
    peer.len = sizeof peer.u;
    data = S(accept)(fd, &peer.u.any, &peer.len);
    if (data < 0)
        die("accept");
    check("the peer is who it says", strncmp(said, "calling from ", 13) == 0 && strcmp(show(&peer), said + 13) == 0);
    check("in the socket's family", peer.u.any.sa_family == here.u.any.sa_family);
    peer = peer_name(data);
    check("getpeername says so too", strcmp(show(&peer), said + 13) == 0);
    peer = local_name(data);
    check("at the address that was told", strcmp(show(&peer), show(&bound)) == 0);
    printf("%s\n", read_line(data));
    check_echo(data);
    check("another descriptor", data != fd);
    tell("close the listener", S(close)(fd));
    check_echo(data);
    tell("close", S(close)(data));
    check_echo(control);
    return S(close)(control);
}
