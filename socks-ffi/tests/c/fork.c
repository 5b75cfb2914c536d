/* A connected socket in a child, and one that the child makes; the parent's go on. */
#include "victim.h"

#include <sys/wait.h>

static void child(int fd, const address *to) {
    address peer = peer_name(fd);
    int own;
    check("child: the peer is the target", strcmp(show(&peer), show(to)) == 0);
    printf("child: %s\n", ask(fd, "inherited"));
    S(close)(fd);
    own = connected_to(to);
    printf("child: %s\n", ask(own, "its own"));
    S(close)(own);
    fflush(stdout);
    _exit(0);
}

int main(int argc, char **argv) {
    address to = parse(argv[1]), peer;
    int fd = connected_to(&to), status;
    pid_t pid;
    (void)argc;
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("parent: %s\n", ask(fd, "before"));
    pid = fork();
    if (pid == 0)
        child(fd, &to);
    waitpid(pid, &status, 0);
    check("child: ended well", status == 0);
    peer = peer_name(fd);
    check("parent: the peer is the target", strcmp(show(&peer), argv[1]) == 0);
    printf("parent: %s\n", ask(fd, "after"));
    return S(close)(fd);
}
