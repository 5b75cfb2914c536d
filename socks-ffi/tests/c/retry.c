/* A socket whose connect failed can try again, elsewhere. */
#include "victim.h"

int main(int argc, char **argv) {
    address nobody = parse(argv[1]), to = parse(argv[2]), peer;
    int fd = stream_to(&to, 0);
    puts("blocking");
    tell("connect to nobody", S(connect)(fd, &nobody.u.any, nobody.len));
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    peer = peer_name(fd);
    check("the peer is the target", strcmp(show(&peer), argv[2]) == 0);
    check_echo(fd);
    S(close)(fd);
    /* Where a proxy on this machine does not listen, a connect that does not wait knows at once, unlike libc's. */
    if (argc > 3)
        return 0;

    puts("not waiting");
    fd = stream_to(&to, SOCK_NONBLOCK);
    tell("connect to nobody", S(connect)(fd, &nobody.u.any, nobody.len));
    tell_poll("poll", fd, POLLOUT, -1);
    printf("SO_ERROR: %s\n", error_name(socket_error(fd)));
    /* Linux tells once more that the first one failed. */
    if (S(connect)(fd, &to.u.any, to.len) != 0 && errno == ECONNABORTED)
        S(connect)(fd, &to.u.any, to.len);
    tell_poll("poll", fd, POLLOUT, -1);
    printf("SO_ERROR: %s\n", error_name(socket_error(fd)));
    peer = peer_name(fd);
    check("the peer is the target", strcmp(show(&peer), argv[2]) == 0);
    check_echo(fd);
    return S(close)(fd);
}
