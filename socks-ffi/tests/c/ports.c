/* As rresvport does: down from a port to the first that is free, and then to listen there, or to connect from it. */
#include "victim.h"

#include <sys/syscall.h>

/* From a port that this program took itself, down to the first that can be bound to. */
static void reserve(int fd, address from, const char *what) {
    address *here = &from;
    int in_use = 0;
    while (S(bind)(fd, &here->u.any, here->len) != 0) {
        if (errno != EADDRINUSE || ++in_use > 60000)
            die("bind");
        here->u.v4.sin_port = htons((in_port_t)(ntohs(here->u.v4.sin_port) - 1));
    }
    check(what, in_use > 0);
}

/* Asked of the kernel itself: to ask the library would take the socket to the proxy. */
static in_port_t real_port(int fd) {
    struct sockaddr_in name;
    socklen_t len = sizeof name;
    if (syscall(SYS_getsockname, fd, &name, &len) != 0)
        die("getsockname");
    return name.sin_port;
}

int main(int argc, char **argv) {
    address to = parse(argv[1]), here = parse(argv[2]), bound, peer;
    int taken = stream_to(&here, 0), fd = stream_to(&here, 0), control = connected_to(&to), data, on = 1;
    char call[100], said[100];
    (void)argc;
    tell("a port that is taken", S(bind)(taken, &here.u.any, here.len));
    bound = here;
    bound.u.v4.sin_port = real_port(taken);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    tell("SO_REUSEADDR is no help", S(bind)(fd, &bound.u.any, bound.len));
    reserve(fd, bound, "one or more were taken");
    tell("listen", S(listen)(fd, 1));
    here = local_name(fd);
    check("it has a port", here.u.v4.sin_port != 0);
    snprintf(call, sizeof call, "call %s", show(&here));
    snprintf(said, sizeof said, "%s", ask(control, call));
    check("it can be called", strncmp(said, "calling from ", 13) == 0);
    peer.len = sizeof peer.u;
    data = S(accept)(fd, &peer.u.any, &peer.len);
    check("by who says so", data >= 0 && strcmp(show(&peer), said + 13) == 0);
    puts(read_line(data));
    check_echo(data);
    S(close)(data);
    S(close)(fd);

    fd = stream_to(&here, 0);
    reserve(fd, bound, "one or more were taken");
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    check_echo(fd);
    S(close)(fd);
    S(close)(taken);
    S(close)(control);
    return 0;
}
