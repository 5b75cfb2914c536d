/*
 * Children by vfork and posix_spawn close and duplicate descriptors in their parent's memory before they run another
 * program: the parent's own are left alone, on their way or connected.
 */
#include "victim.h"

#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

static int spawn_true(int fd) {
    posix_spawn_file_actions_t actions;
    char *arguments[] = {(char *)"true", NULL};
    pid_t pid;
    int status = -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd, 0);
    posix_spawn_file_actions_addclose(&actions, fd);
    if (posix_spawn(&pid, "/bin/true", &actions, NULL, arguments, environ) == 0)
        waitpid(pid, &status, 0);
    posix_spawn_file_actions_destroy(&actions);
    return status;
}

static int vfork_true(int fd) {
    int status = -1;
    pid_t pid = vfork();
    if (pid == 0) {
        S(dup2)(fd, 0);
        S(dup2)(fd, 60);
        S(close)(fd);
        execl("/bin/true", "true", (char *)NULL);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    return status;
}

int main(int argc, char **argv) {
    address to = parse(argv[1]), peer;
    int fd = stream_to(&to, SOCK_NONBLOCK);
    (void)argc;
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    tell("posix_spawn", spawn_true(fd));
    tell("vfork", vfork_true(fd));
    tell_poll("poll", fd, POLLOUT, 10);
    tell("60 is no descriptor", S(close)(60));
    open_gate(argv[2]);
    tell_poll("poll", fd, POLLOUT, -1);
    printf("SO_ERROR: %d\n", socket_error(fd));
    tell("posix_spawn", spawn_true(fd));
    tell("vfork", vfork_true(fd));
    peer = peer_name(fd);
    check("the peer is the target", strcmp(show(&peer), argv[1]) == 0);
    tell("standard input is none of ours", S(getpeername)(0, &peer.u.any, &peer.len));
    check_echo(fd);
    return S(close)(fd);
}
