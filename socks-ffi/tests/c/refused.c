/* Nobody listens at the target: a blocking connect, and non-blocking ones seen by poll, select and connect. */
#include "victim.h"

static int begin(const address *to) {
    int fd = stream_to(to, SOCK_NONBLOCK);
    tell("connect", S(connect)(fd, &to->u.any, to->len));
    return fd;
}

int main(int argc, char **argv) {
    address to = parse(argv[1]), peer;
    int fd = stream_to(&to, 0);
    struct pollfd wait;
    fd_set in, out;
    (void)argc;
    puts("blocking");
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    peer.len = sizeof peer.u;
    tell("getpeername", S(getpeername)(fd, &peer.u.any, &peer.len));
    tell("connect again", S(connect)(fd, &to.u.any, to.len));
    S(close)(fd);

    puts("poll");
    wait.fd = fd = begin(&to);
    wait.events = POLLOUT;
    tell("poll", S(poll)(&wait, 1, -1));
    check("writable, with an error and a hang-up", (wait.revents & (POLLOUT | POLLERR | POLLHUP)) ==
                                                       (POLLOUT | POLLERR | POLLHUP));
    tell("getpeername", S(getpeername)(fd, &peer.u.any, &peer.len));
    printf("SO_ERROR: %s\n", error_name(socket_error(fd)));
    printf("SO_ERROR: %s\n", error_name(socket_error(fd)));
    S(close)(fd);

    puts("select");
    fd = begin(&to);
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(fd, &in);
    FD_SET(fd, &out);
    tell("select", S(select)(fd + 1, &in, &out, NULL, NULL));
    check("readable", FD_ISSET(fd, &in));
    check("writable", FD_ISSET(fd, &out));
    printf("SO_ERROR: %s\n", error_name(socket_error(fd)));
    S(close)(fd);

    puts("connect");
    fd = begin(&to);
    wait.fd = fd;
    tell("poll", S(poll)(&wait, 1, -1));
    tell("connect again", S(connect)(fd, &to.u.any, to.len));
    S(close)(fd);

    puts("read");
    fd = begin(&to);
    wait.fd = fd;
    tell("poll", S(poll)(&wait, 1, -1));
    tell("read", IO(read)(fd, &to, 1));
    tell("read again", IO(read)(fd, &to, 1));
    return S(close)(fd);
}
