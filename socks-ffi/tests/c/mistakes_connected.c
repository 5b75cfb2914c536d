/* Wrong calls on a connected socket and on one on its way: as libc has it. */
#include "victim.h"

int main(int argc, char **argv) {
    address to = parse(argv[1]), name;
    int fd = connected_to(&to), number = 7;
    socklen_t len = sizeof name.u, short_len = 4, error_len = 1;
    struct timeval negative = {-1, 0};
    struct sockaddr nothing;
    (void)argc;
    tell("getpeername: no address", S(getpeername)(fd, NULL, &len));
    tell("getpeername: no length", S(getpeername)(fd, &name.u.any, NULL));
    tell("getpeername: little room", S(getpeername)(fd, &name.u.any, &short_len));
    printf("getpeername: the length that it has: %d\n", (int)short_len);
    check("the port is in it", name.u.v4.sin_port == to.u.v4.sin_port);
    short_len = (socklen_t)-1;
    tell("getpeername: a negative length", S(getpeername)(fd, &name.u.any, &short_len));
    tell("getsockopt: little room", S(getsockopt)(fd, SOL_SOCKET, SO_ERROR, &number, &error_len));
    printf("getsockopt: length %d\n", (int)error_len);
    tell("getsockopt: unknown", S(getsockopt)(fd, SOL_SOCKET, 12345, &number, &len));
    tell("connect: too short", S(connect)(fd, &to.u.any, 3));
    tell("connect: no address", S(connect)(fd, NULL, to.len));
    tell("bind", S(bind)(fd, &to.u.any, to.len));
    tell("accept", S(accept)(fd, NULL, NULL));
    tell("read: no room", S(read)(fd, NULL, 0));
    tell("write: nothing", S(write)(fd, "", 0));
    tell("sendto: an address that is not needed", S(sendto)(fd, "a line\n", 7, 0, &to.u.any, to.len));
    printf("%s\n", read_line(fd));
    tell("select: negative time", S(select)(0, NULL, NULL, NULL, &negative));
    check_echo(fd);
    memset(&nothing, 0, sizeof nothing);
    nothing.sa_family = AF_UNSPEC;
    tell("dissolve", S(connect)(fd, &nothing, sizeof nothing));
    len = sizeof name.u;
    tell("getpeername", S(getpeername)(fd, &name.u.any, &len));
    tell("connect anew", S(connect)(fd, &to.u.any, to.len));
    check_echo(fd);
    return S(close)(fd);
}
