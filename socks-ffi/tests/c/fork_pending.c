/* A child inherits a socket that is on its way and closes it, as socks.h asks for; the parent's goes on. */
#include "victim.h"

#include <sys/wait.h>

int main(int argc, char **argv) {
    address to = parse(argv[1]), peer;
    int fd = stream_to(&to, SOCK_NONBLOCK), status;
    pid_t pid;
    (void)argc;
    setvbuf(stdout, NULL, _IOLBF, 0);
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    pid = fork();
    if (pid == 0) {
        peer.len = sizeof peer.u;
        tell("child: getpeername", S(getpeername)(fd, &peer.u.any, &peer.len));
        tell("child: close", S(close)(fd));
        tell_poll("child: poll", fd, POLLOUT, 0);
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    tell_poll("parent: poll", fd, POLLOUT, 0);
    open_gate(argv[2]);
    tell_poll("parent: poll", fd, POLLOUT, -1);
    printf("SO_ERROR: %d\n", socket_error(fd));
    check_echo(fd);
    return S(close)(fd);
}
