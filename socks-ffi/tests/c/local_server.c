/* An ordinary local server on the wildcard address, and on the loopback: many connections, none by a proxy. */
#include "victim.h"

int main(int argc, char **argv) {
    address here = parse(argv[1]), there, peer;
    int fd = stream_to(&here, SOCK_NONBLOCK), on = 1, i;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (argc < 3)
        tell("bind", S(bind)(fd, &here.u.any, here.len));
    tell("listen", S(listen)(fd, 5));
    there = local_name(fd);
    there.u.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (i = 0; i < 3; i++) {
        int client = connected_to(&there), data;
        tell_poll("poll", fd, POLLIN, -1);
        peer.len = sizeof peer.u;
        data = S(accept)(fd, &peer.u.any, &peer.len);
        check("accepted", data >= 0);
        write_line(client, "hello");
        printf("%s\n", read_line(data));
        there = peer_name(client);
        peer = local_name(data);
        check("both know the server's address", strcmp(show(&there), show(&peer)) == 0);
        S(close)(data);
        S(close)(client);
    }
    tell("nobody else", S(accept)(fd, NULL, NULL));
    return S(close)(fd);
}
