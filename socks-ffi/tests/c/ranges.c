/* Descriptors that are closed by the range, and those that only look so. */
#include "victim.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_UNSHARE (1U << 1)
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

static void tell_peer(const char *what, int fd, const char *target) {
    address peer;
    peer.len = sizeof peer.u;
    if (S(getpeername)(fd, &peer.u.any, &peer.len) != 0)
        tell(what, -1);
    else
        printf("%s: %s\n", what, strcmp(show(&peer), target) == 0 ? "the target" : "another");
}

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int fd = connected_to(&to), fresh;
    (void)argc;
    check("numbers of its own", S(dup2)(fd, 40) == 40 && S(dup2)(fd, 50) == 50 && S(dup2)(fd, 60) == 60);
    tell("a range upside down", S(close_range)(50, 40, 0));
    tell("a flag that nobody knows", S(close_range)(50, 50, 1 << 20));
    tell_peer("50", 50, argv[1]);
    tell("later", S(close_range)(40, 50, CLOSE_RANGE_CLOEXEC));
    check("at exec", fcntl(40, F_GETFD) == FD_CLOEXEC && fcntl(50, F_GETFD) == FD_CLOEXEC && fcntl(60, F_GETFD) == 0);
    tell_peer("50", 50, argv[1]);
    tell("40 to 55", S(close_range)(40, 55, 0));
    tell_peer("40", 40, argv[1]);
    tell_peer("60", 60, argv[1]);
    check_echo(60);
    check("a new socket as 50", S(dup2)(fresh = stream_to(&to, 0), 50) == 50);
    S(close)(fresh);
    tell_peer("50", 50, argv[1]);
    tell("50 and beyond", S(close_range)(50, ~0U, CLOSE_RANGE_UNSHARE));
    tell_peer("60", 60, argv[1]);
    check_echo(fd);
    check("and again", S(dup2)(fd, 40) == 40);
    S(closefrom)(40);
    tell_peer("40", 40, argv[1]);
    check_echo(fd);
    S(closefrom)(fd);
    check("the same number", (fresh = stream_to(&to, 0)) == fd);
    tell_peer("a new socket", fresh, argv[1]);
    tell("connect", S(connect)(fresh, &to.u.any, to.len));
    check_echo(fresh);
    fflush(stdout);
    S(closefrom)(-5);
    return 0;
}
