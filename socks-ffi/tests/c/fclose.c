/* A connected socket under stdio, and its number after fclose. */
#include "victim.h"

int main(int argc, char **argv) {
    address to = parse(argv[1]), peer;
    int fd = connected_to(&to), fresh;
    char line[64];
    FILE *stream = fdopen(fd, "r+");
    (void)argc;
    setvbuf(stream, NULL, _IOLBF, 0);
    fputs("by stdio\n", stream);
    fflush(stream);
    if (fgets(line, sizeof line, stream) == NULL)
        die("fgets");
    fputs(line, stdout);
    tell("fclose", S(fclose)(stream));
    fresh = stream_to(&to, 0);
    check("a new socket has its number", fresh == fd);
    peer.len = sizeof peer.u;
    tell("and no peer", S(getpeername)(fresh, &peer.u.any, &peer.len));
    tell("connect", S(connect)(fresh, &to.u.any, to.len));
    check_echo(fresh);
    S(close)(fresh);
    tell("fclose of a file", S(fclose)(tmpfile()));
    return 0;
}
