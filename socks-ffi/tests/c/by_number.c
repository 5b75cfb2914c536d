/* System calls by their numbers: connect and close are the functions, and there is no io_uring. */
#include "victim.h"

#include <sys/mman.h>
#include <sys/syscall.h>

static void tell_uring(const char *without) {
    char parameters[256];
    long fd;
    memset(parameters, 0, sizeof parameters);
    fd = IO(syscall)(SYS_io_uring_setup, 1, parameters);
    if (without)
        check(without, fd == -1 && errno == ENOSYS);
}

int main(int argc, char **argv) {
    address to = parse(argv[1]), peer;
    int fd = stream_to(&to, 0);
    tell("getpid", IO(syscall)(SYS_getpid) == getpid());
    tell("nothing", IO(syscall)(-1));
    errno = 0;
    tell("six arguments", IO(syscall)(SYS_mmap, NULL, (size_t)4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L) == -1 ? -1 : 0);
    tell_uring(argc > 2 ? "no io_uring" : NULL);
    tell("connect", IO(syscall)(SYS_connect, fd, &to.u.any, to.len));
    peer = peer_name(fd);
    check("the peer is the target", strcmp(show(&peer), argv[1]) == 0);
    check_echo(fd);
    tell("close", IO(syscall)(SYS_close, fd));
    fd = stream_to(&to, 0);
    peer.len = sizeof peer.u;
    tell("a new socket", S(getpeername)(fd, &peer.u.any, &peer.len));
    tell("connect", IO(syscall)(SYS_connect, fd, &to.u.any, to.len));
    tell("close_range", IO(syscall)(SYS_close_range, fd, fd, 0));
    fd = stream_to(&to, 0);
    tell("a new socket", S(getpeername)(fd, &peer.u.any, &peer.len));
    return S(close)(fd);
}
