/* accept4: the flags are those of the new descriptor alone. */
#include "victim.h"

int main(int argc, char **argv) {
    address to = parse(argv[1]), here = parse(argv[2]), bound, peer;
    int control = connected_to(&to), fd = stream_to(&here, 0), data;
    char call[100], said[100];
    (void)argc;
    tell("bind", S(bind)(fd, &here.u.any, here.len));
    tell("listen", S(listen)(fd, 5));
    bound = local_name(fd);
    snprintf(call, sizeof call, "call %s", show(&bound));
    snprintf(said, sizeof said, "%s", ask(control, call));
    tell("a flag that nobody knows", S(accept4)(fd, NULL, NULL, 1));
    peer.len = sizeof peer.u;
    data = S(accept4)(fd, &peer.u.any, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (data < 0)
        die("accept4");
    check("the peer is who it says", strncmp(said, "calling from ", 13) == 0 && strcmp(show(&peer), said + 13) == 0);
    check("non-blocking", fcntl(data, F_GETFL) & O_NONBLOCK);
    check("closed at exec", fcntl(data, F_GETFD) & FD_CLOEXEC);
    check("not so the listener", !(fcntl(fd, F_GETFL) & O_NONBLOCK) && !(fcntl(fd, F_GETFD) & FD_CLOEXEC));
    printf("%s\n", read_line(data));
    S(close)(fd);
    check_echo(data);
    S(close)(data);
    return S(close)(control);
}
