/* connect on a socket that listens: refused, and the socket goes on to listen. */
#include "victim.h"

int main(int argc, char **argv) {
    address to = parse(argv[1]), here = parse(argv[2]), bound;
    int control = connected_to(&to), fd = stream_to(&here, SOCK_NONBLOCK), data;
    char call[100];
    (void)argc;
    tell("bind", S(bind)(fd, &here.u.any, here.len));
    tell("listen", S(listen)(fd, 1));
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    bound = local_name(fd);
    tell("connect again", S(connect)(fd, &to.u.any, to.len));
    printf("SO_ERROR: %d\n", socket_error(fd));
    snprintf(call, sizeof call, "call %s", show(&bound));
    check("somebody calls", strncmp(ask(control, call), "calling from ", 13) == 0);
    tell_poll("poll", fd, POLLIN, -1);
    tell("connect with a peer there", S(connect)(fd, &to.u.any, to.len));
    data = S(accept)(fd, NULL, NULL);
    puts(read_line(data));
    tell("connect after that", S(connect)(fd, &to.u.any, to.len));
    check_echo(data);
    tell("nobody else has come", S(accept)(fd, NULL, NULL));
    S(close)(fd);
    S(close)(data);
    return S(close)(control);
}
