/* What the library has nothing to do with, and calls that are wrong: all as libc has it. */
#include "victim.h"

static void unix_sockets(void) {
    struct sockaddr_un here;
    int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0), data;
    socklen_t len = sizeof here;
    memset(&here, 0, sizeof here);
    here.sun_family = AF_UNIX;
    strcpy(here.sun_path, "socket");
    tell("unix: connect to nothing", S(connect)(client, (struct sockaddr *)&here, sizeof here));
    tell("unix: bind", S(bind)(server, (struct sockaddr *)&here, sizeof here));
    tell("unix: listen", S(listen)(server, 1));
    tell("unix: connect", S(connect)(client, (struct sockaddr *)&here, sizeof here));
    data = S(accept)(server, NULL, NULL);
    write_line(client, "unix: a line");
    puts(read_line(data));
    tell("unix: getpeername", S(getpeername)(client, (struct sockaddr *)&here, &len));
    check("unix: the path", strcmp(here.sun_path, "socket") == 0);
    S(close)(data);
    S(close)(client);
    S(close)(server);
}

static void datagrams(void) {
    address here = parse("127.0.0.1:0"), there;
    int server = socket(AF_INET, SOCK_DGRAM, 0), client = socket(AF_INET, SOCK_DGRAM, 0);
    char text[16] = "";
    tell("udp: bind", S(bind)(server, &here.u.any, here.len));
    there = local_name(server);
    tell("udp: connect", S(connect)(client, &there.u.any, there.len));
    here = peer_name(client);
    check("udp: the peer", strcmp(show(&here), show(&there)) == 0);
    tell("udp: send", S(send)(client, "datagram", 8, 0));
    here.len = sizeof here.u;
    tell("udp: recvfrom", S(recvfrom)(server, text, sizeof text, 0, &here.u.any, &here.len));
    there = local_name(client);
    check("udp: from there", strcmp(show(&here), show(&there)) == 0);
    tell("udp: sendto", S(sendto)(server, text, 8, 0, &here.u.any, here.len));
    tell_poll("udp: poll", client, POLLIN, -1);
    tell("udp: read", S(read)(client, text, sizeof text));
    tell("udp: listen", S(listen)(client, 1));
    S(close)(client);
    S(close)(server);
}

static void mistakes(const address *to) {
    int fd = stream_to(to, 0), file = open("/dev/null", O_RDWR), number;
    address name;
    struct sockaddr_in6 other;
    /* So that the compiler does not know. */
    struct pollfd *volatile no_array = NULL;
    socklen_t len = sizeof name.u, short_len = 4;
    memset(&other, 0, sizeof other);
    other.sin6_family = AF_INET6;
    other.sin6_addr.s6_addr[15] = 1;
    other.sin6_port = to->u.v4.sin_port;
    tell("connect: -1", S(connect)(-1, &to->u.any, to->len));
    tell("connect: not open", S(connect)(900, &to->u.any, to->len));
    tell("connect: beyond any table", S(connect)(1 << 30, &to->u.any, to->len));
    tell("connect: no socket", S(connect)(file, &to->u.any, to->len));
    tell("connect: length 0", S(connect)(fd, &to->u.any, 0));
    tell("connect: length 1", S(connect)(fd, &to->u.any, 1));
    tell("connect: a byte too short", S(connect)(fd, &to->u.any, to->len - 1));
    tell("connect: negative length", S(connect)(fd, &to->u.any, (socklen_t)-1));
    tell("connect: no address", S(connect)(fd, NULL, to->len));
    tell("connect: another family", S(connect)(fd, (struct sockaddr *)&other, sizeof other));
    tell("bind: -1", S(bind)(-1, &to->u.any, to->len));
    tell("bind: no socket", S(bind)(file, &to->u.any, to->len));
    tell("bind: too short", S(bind)(fd, &to->u.any, 3));
    tell("bind: no address", S(bind)(fd, NULL, to->len));
    tell("listen: -1", S(listen)(-1, 1));
    tell("listen: no socket", S(listen)(file, 1));
    tell("accept: -1", S(accept)(-1, NULL, NULL));
    tell("accept: no socket", S(accept)(file, NULL, NULL));
    tell("accept: no listener", S(accept)(fd, NULL, NULL));
    tell("getpeername: -1", S(getpeername)(-1, &name.u.any, &len));
    tell("getpeername: no socket", S(getpeername)(file, &name.u.any, &len));
    tell("getpeername: not connected", S(getpeername)(fd, &name.u.any, &len));
    tell("getsockname: no address", S(getsockname)(fd, NULL, &len));
    tell("getsockname: no length", S(getsockname)(fd, &name.u.any, NULL));
    tell("getsockname: little room", S(getsockname)(fd, &name.u.any, &short_len));
    printf("getsockname: the length that it has: %d\n", (int)short_len);
    tell("getsockopt: no value", S(getsockopt)(fd, SOL_SOCKET, SO_ERROR, NULL, &len));
    tell("getsockopt: no length", S(getsockopt)(fd, SOL_SOCKET, SO_ERROR, &number, NULL));
    tell("close: -1", S(close)(-1));
    tell("dup: -1", S(dup)(-1));
    tell("dup2: -1", S(dup2)(-1, 5));
    tell("poll: nothing", S(poll)(NULL, 0, 0));
    tell("poll: no array", S(poll)(no_array, 1, 0));
    tell("select: -1", S(select)(-1, NULL, NULL, NULL, NULL));
    S(close)(fd);
    S(close)(file);
}

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    (void)argc;
    unix_sockets();
    datagrams();
    mistakes(&to);
    return 0;
}
