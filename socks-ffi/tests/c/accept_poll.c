/* As accept.c, without waiting: readiness by poll and select, EAGAIN before the peer comes and after it came. */
#include "victim.h"

int main(int argc, char **argv) {
    address to = parse(argv[1]), here = parse(argv[2]), bound, peer;
    int control = connected_to(&to), fd = stream_to(&here, SOCK_NONBLOCK), data;
    char call[100];
    fd_set in;
    struct timeval timeout = {0, 20000};
    (void)argc;
    tell("bind", S(bind)(fd, &here.u.any, here.len));
    tell("listen", S(listen)(fd, 5));
    bound = local_name(fd);
    tell("nobody has come", S(accept)(fd, NULL, NULL));
    tell_poll("poll", fd, POLLIN, 20);
    tell_poll("never writable", fd, POLLIN | POLLOUT, 0);
    FD_ZERO(&in);
    FD_SET(fd, &in);
    tell("select", S(select)(fd + 1, &in, NULL, NULL, &timeout));
    printf("SO_ERROR: %d\n", socket_error(fd));

    snprintf(call, sizeof call, "call %s", show(&bound));
    check("somebody calls", strncmp(ask(control, call), "calling from ", 13) == 0);
    tell_poll("poll", fd, POLLIN, -1);
    FD_ZERO(&in);
    FD_SET(fd, &in);
    tell("select", S(select)(fd + 1, &in, NULL, NULL, NULL));
    check("readable", FD_ISSET(fd, &in));
    tell("not to be read", IO(read)(fd, call, 1));
    peer.len = sizeof peer.u;
    data = S(accept)(fd, &peer.u.any, &peer.len);
    check("accepted", data >= 0);
    check("not non-blocking by inheritance", (fcntl(data, F_GETFL) & O_NONBLOCK) == 0);
    check("the listener still is", fcntl(fd, F_GETFL) & O_NONBLOCK);
    printf("%s\n", read_line(data));
    check_echo(data);
    tell("nobody else has come", S(accept)(fd, NULL, NULL));
    tell_poll("poll", fd, POLLIN, 20);
    S(close)(fd);
    check_echo(data);
    S(close)(data);
    return S(close)(control);
}
