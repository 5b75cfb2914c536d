/* TCP_FASTOPEN_CONNECT: the kernel may connect when the first data are written, which belong to the target alone. */
#include "victim.h"

static int prepared(const address *to, int flags) {
    int fd = stream_to(to, flags), on = 1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on) != 0)
        die("TCP_FASTOPEN_CONNECT");
    return fd;
}

int main(int argc, char **argv) {
    address to = parse(argv[1]), peer;
    int fd = prepared(&to, 0), outcome, value = 0;
    socklen_t len = sizeof value;
    (void)argc;
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    tell("write", S(write)(fd, "first\n", 6));
    puts(read_line(fd));
    peer = peer_name(fd);
    check("the peer is the target", strcmp(show(&peer), argv[1]) == 0);
    tell("getsockopt", S(getsockopt)(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &value, &len));
    check("the option is as it was set", value == 1);
    S(close)(fd);

    /* Where the kernel has a cookie it says at once that it is done; both are right. */
    fd = prepared(&to, SOCK_NONBLOCK);
    outcome = S(connect)(fd, &to.u.any, to.len);
    check("begun", outcome == 0 || errno == EINPROGRESS);
    tell_poll("poll", fd, POLLOUT, -1);
    tell("write", S(write)(fd, "second\n", 7));
    puts(read_line(fd));
    printf("SO_ERROR: %d\n", socket_error(fd));
    return S(close)(fd);
}
