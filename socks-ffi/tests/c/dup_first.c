/* Duplicates that are made before the connect are the same socket after it, whichever of them connects. */
#include "victim.h"

static void tell_peer(const char *what, int fd, const char *target) {
    address peer;
    peer.len = sizeof peer.u;
    if (S(getpeername)(fd, &peer.u.any, &peer.len) != 0)
        tell(what, -1);
    else
        printf("%s: %s\n", what, strcmp(show(&peer), target) == 0 ? "the target" : "another");
}

int main(int argc, char **argv) {
    address to = parse(argv[1]), nobody = parse(argv[2]), name;
    int fd = stream_to(&to, 0), second = S(dup)(fd), third = S(fcntl)(second, F_DUPFD, 30);
    (void)argc;
    tell_peer("not connected", third, argv[1]);
    name = local_name(third);
    check("no name", name.u.any.sa_family == to.u.any.sa_family && name.u.v4.sin_port == 0);
    tell_poll("poll", second, POLLIN | POLLOUT, 0);
    tell("the second connects to nobody", S(connect)(second, &nobody.u.any, nobody.len));
    tell_peer("the first", fd, argv[1]);
    tell("the third connects", S(connect)(third, &to.u.any, to.len));
    tell_peer("the first", fd, argv[1]);
    tell_peer("the second", second, argv[1]);
    tell("the first connects", S(connect)(fd, &to.u.any, to.len));
    S(close)(third);
    check_echo(second);
    S(close)(fd);
    check_echo(second);
    return S(close)(second);
}
