/* A sandbox that kills for a question about a socket: what is no socket is duplicated there without one. */
#include "victim.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static void enter(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getsockopt, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program;
    program.len = sizeof filter / sizeof *filter;
    program.filter = filter;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        die("seccomp");
}

static void duplicate(const char *what, int fd) {
    int copies[4], i;
    copies[0] = S(dup)(fd);
    copies[1] = S(dup2)(fd, copies[0] + 10);
    copies[2] = S(fcntl)(fd, F_DUPFD, 0);
    copies[3] = S(fcntl)(fd, F_DUPFD_CLOEXEC, 0);
    for (i = 0; i < 4; i++)
        if (copies[i] < 0 || S(close)(copies[i]) != 0)
            die(what);
    puts(what);
}

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int connection = connected_to(&to), pipes[2];
    (void)argc;
    check_echo(connection);
    if (pipe(pipes) != 0)
        die("pipe");
    enter();
    duplicate("a file", open("/dev/null", O_RDWR));
    duplicate("a pipe", pipes[0]);
    return S(close)(connection);
}
