/* Another program, which knows nothing of all this, has a connected socket as its input, and as its output. */
#include "victim.h"

#include <sys/wait.h>

static pid_t run_cat(int input, int output, int other) {
    pid_t pid = fork();
    if (pid == 0) {
        if (S(dup2)(input, 0) != 0 || S(dup2)(output, 1) != 1)
            _exit(126);
        S(close)(input);
        S(close)(output);
        S(close)(other);
        execl("/bin/cat", "cat", (char *)NULL);
        _exit(127);
    }
    return pid;
}

int main(int argc, char **argv) {
    address to = parse(argv[1]), peer;
    int fd = connected_to(&to), pipes[2], status;
    pid_t pid;
    (void)argc;
    if (pipe(pipes) != 0)
        die("pipe");
    pid = run_cat(pipes[0], fd, pipes[1]);
    S(close)(pipes[0]);
    write_line(pipes[1], "cat writes to the socket");
    puts(read_line(fd));
    S(close)(pipes[1]);
    waitpid(pid, &status, 0);
    printf("cat ended with %d\n", status);
    peer = peer_name(fd);
    check("the peer is the target", strcmp(show(&peer), argv[1]) == 0);
    check_echo(fd);

    if (pipe(pipes) != 0)
        die("pipe");
    pid = run_cat(fd, pipes[1], pipes[0]);
    S(close)(pipes[1]);
    write_line(fd, "cat reads from the socket");
    puts(read_line(pipes[0]));
    tell("shutdown", S(shutdown)(fd, SHUT_WR));
    waitpid(pid, &status, 0);
    printf("cat ended with %d\n", status);
    return S(close)(fd);
}
