/* Duplicates of a connected socket, and descriptors whose numbers are used again. */
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
    address to = parse(argv[1]);
    int fd = connected_to(&to), second = S(dup)(fd), fresh, pipes[2], file;
    char byte;
    (void)argc;
    tell("close the first", S(close)(fd));
    tell_peer("the second's peer", second, argv[1]);
    check_echo(second);

    fresh = stream_to(&to, 0);
    check("a new socket has the number of the first", fresh == fd);
    tell_peer("its peer", fresh, argv[1]);
    tell("it connects", S(connect)(fresh, &to.u.any, to.len));
    tell_peer("its peer", fresh, argv[1]);
    check_echo(fresh);

    if (pipe(pipes) != 0)
        die("pipe");
    check("a pipe onto the socket", S(dup2)(pipes[0], fresh) == fresh);
    tell_peer("its peer", fresh, argv[1]);
    tell("write to the pipe", S(write)(pipes[1], "x", 1));
    tell("read where the socket was", S(read)(fresh, &byte, 1));
    tell_poll("poll there", fresh, POLLIN, 0);

    check("the socket onto the pipe", S(dup2)(second, pipes[0]) == pipes[0]);
    tell("close the second", S(close)(second));
    tell_peer("its peer", pipes[0], argv[1]);
    check_echo(pipes[0]);

    tell("dup of nothing", S(dup)(second));
    tell("dup2 of nothing", S(dup2)(second, 50));
    tell("dup2 to a bad number", S(dup2)(pipes[0], -1));
    file = open("/dev/null", O_RDONLY);
    tell("connect a file", S(connect)(file, &to.u.any, to.len));
    return S(close)(pipes[0]);
}
