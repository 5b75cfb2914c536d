/* dup3 and fcntl: as dup and dup2, of a socket that is on its way and of a connected one. */
#include "victim.h"

static void tell_flags(const char *what, int fd) {
    int flags = S(fcntl)(fd, F_GETFL);
    printf("%s:%s%s\n", what, S(fcntl)(fd, F_GETFD) & FD_CLOEXEC ? " close-on-exec" : "",
           flags & O_NONBLOCK ? " non-blocking" : "");
}

int main(int argc, char **argv) {
    address to = parse(argv[1]), peer;
    int fd = stream_to(&to, SOCK_NONBLOCK), second, third, fourth;
    struct flock lock;
    (void)argc;
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    tell("dup3 onto itself", S(dup3)(fd, fd, 0));
    tell("dup3 with a wrong flag", S(dup3)(fd, 70, O_APPEND));
    second = S(dup3)(fd, 70, O_CLOEXEC);
    third = S(fcntl)(fd, F_DUPFD, 80);
    fourth = S(fcntl)(fd, F_DUPFD_CLOEXEC, 90);
    check("the numbers that were asked for", second == 70 && third == 80 && fourth == 90);
    tell_flags("by dup3", second);
    tell_flags("by F_DUPFD", third);
    tell_flags("by F_DUPFD_CLOEXEC", fourth);
    tell("F_DUPFD of nothing", S(fcntl)(1000, F_DUPFD, 0));
    tell("F_DUPFD beyond the limit", S(fcntl)(fd, F_DUPFD, 1 << 30));
    memset(&lock, 0, sizeof lock);
    lock.l_type = F_WRLCK;
    tell("F_SETLK of a socket", S(fcntl)(fd, F_SETLK, &lock) == 0 ? 0 : -(errno == EBADF || errno == EINVAL));
    tell("close the first", S(close)(fd));
    tell("write to the second", IO(write)(second, "x", 1));
    tell("connect the third", S(connect)(third, &to.u.any, to.len));
    tell_poll("poll the fourth", fourth, POLLOUT, 20);
    open_gate(argv[2]);
    tell_poll("poll the fourth", fourth, POLLOUT, -1);
    printf("SO_ERROR: %d\n", socket_error(third));
    peer = peer_name(second);
    check("the peer is the target", strcmp(show(&peer), argv[1]) == 0);
    tell("dup3 onto a number that is ours", S(dup3)(0, third, 0));
    tell("which is no socket now", S(getpeername)(third, &peer.u.any, &peer.len));
    tell("F_SETFL", S(fcntl)(second, F_SETFL, 0));
    tell_flags("the fourth", fourth);
    check_echo(fourth);
    S(close)(second);
    return S(close)(fourth);
}
