/* A server whose socket was duplicated before it was bound. */
#include "victim.h"

int main(int argc, char **argv) {
    address here = parse(argv[1]), to = parse("127.0.0.1:0"), name;
    int fd = stream_to(&here, 0), second = S(dup)(fd), third, client, data;
    (void)argc;
    tell("accept", S(accept)(fd, NULL, NULL));
    tell("bind", S(bind)(second, &here.u.any, here.len));
    third = S(fcntl)(second, F_DUPFD, 30);
    name = local_name(fd);
    check("it has a name", name.u.v4.sin_port != 0);
    tell("close the first", S(close)(fd));
    tell("listen", S(listen)(second, 1));
    tell("listen with a duplicate", S(listen)(third, 1));
    client = stream_to(&here, 0);
    S(close)(S(dup)(client));
    to.u.v4.sin_port = name.u.v4.sin_port;
    tell("connect", S(connect)(client, &to.u.any, to.len));
    data = S(accept)(third, NULL, NULL);
    write_line(data, "accepted by a duplicate");
    puts(read_line(client));
    S(close)(data);
    S(close)(client);
    S(close)(third);
    return S(close)(second);
}
