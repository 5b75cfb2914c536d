/* Calls from the constructor and the destructor of a library, and from atexit; see early_library.c. */
#include "victim.h"

extern int early_fd;
extern char early_words[64];

static address to;

static void at_exit(void) {
    int fd = connected_to(&to);
    printf("atexit: %s\n", ask(fd, "after main"));
    S(close)(fd);
}

int main(int argc, char **argv) {
    address peer;
    (void)argc;
    to = parse(argv[1]);
    atexit(at_exit);
    printf("constructor: %s\n", early_words);
    printf("SO_ERROR: %d\n", socket_error(early_fd));
    peer = peer_name(early_fd);
    check("the peer is the target", strcmp(show(&peer), argv[1]) == 0);
    check_echo(early_fd);
    return 0;
}
