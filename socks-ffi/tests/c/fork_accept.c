/* A socket that listens at the proxy, in two processes: one connection comes, and one of them accepts it. */
#include "victim.h"

#include <sys/wait.h>

int main(int argc, char **argv) {
    address to = parse(argv[1]), here = parse(argv[2]), bound;
    int control = connected_to(&to), listener = stream_to(&here, 0), accepted, status;
    char call[128];
    pid_t pid;
    (void)argc;
    tell("bind", S(bind)(listener, &here.u.any, here.len));
    tell("listen", S(listen)(listener, 1));
    bound = local_name(listener);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        accepted = S(accept)(listener, NULL, NULL);
        check("child: accept", accepted >= 0);
        puts(read_line(accepted));
        check_echo(accepted);
        fflush(stdout);
        _exit(0);
    }
    snprintf(call, sizeof call, "call %s", show(&bound));
    write_line(control, call);
    waitpid(pid, &status, 0);
    check("it came by way of the address that was told", strncmp(read_line(control), "calling from ", 13) == 0);
    fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) | O_NONBLOCK);
    tell("parent: accept", S(accept)(listener, NULL, NULL));
    tell_poll("parent: poll", listener, POLLIN, 0);
    S(close)(listener);
    S(close)(control);
    return status;
}
