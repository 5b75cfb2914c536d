/* Bound before the connect to an address of this machine, or to any with a port: the way out starts there. */
#include "victim.h"

#include <sys/syscall.h>

/* What the kernel says; of the library's own knowledge there is nothing in it. */
static address kernel_name(int fd) {
    address name;
    name.len = sizeof name.u;
    if (syscall(SYS_getsockname, fd, &name.u.any, &name.len) != 0)
        die("getsockname");
    return name;
}

static void try(const address *to, const char *text, int flags, int with_port) {
    address here = parse(text), name;
    int fd = stream_to(to, flags), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (with_port) {
        int other = stream_to(to, 0);
        if (bind(other, &here.u.any, here.len) != 0)
            die("bind");
        here.u.v4.sin_port = kernel_name(other).u.v4.sin_port;
        S(close)(other);
    }
    tell("bind", S(bind)(fd, &here.u.any, here.len));
    if (S(connect)(fd, &to->u.any, to->len) != 0) {
        if (errno != EINPROGRESS)
            die("connect");
        tell_poll("poll", fd, POLLOUT, -1);
    }
    name = kernel_name(fd);
    if (here.u.v4.sin_addr.s_addr != INADDR_ANY)
        check("from that address", name.u.v4.sin_addr.s_addr == here.u.v4.sin_addr.s_addr);
    if (with_port)
        check("from that port", name.u.v4.sin_port == here.u.v4.sin_port);
    check_echo(fd);
    S(close)(fd);
}

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    (void)argc;
    try(&to, "127.0.0.5:0", 0, 0);
    try(&to, "127.0.0.5:0", SOCK_NONBLOCK, 0);
    try(&to, "127.0.0.6:0", 0, 1);
    try(&to, "0.0.0.0:0", 0, 1);
    try(&to, "0.0.0.0:0", SOCK_NONBLOCK, 0);
    return 0;
}
