/* What a program sets on its socket is still set when the connection is made, whatever stands in between. */
#include "victim.h"

static void set(int fd, int level, int name, int value) {
    if (setsockopt(fd, level, name, &value, sizeof value) != 0)
        die("setsockopt");
}

static int get(int fd, int level, int name) {
    int value = -1;
    socklen_t len = sizeof value;
    if (S(getsockopt)(fd, level, name, &value, &len) != 0)
        die("getsockopt");
    return value;
}

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int fd = stream_to(&to, SOCK_CLOEXEC), buffer;
    struct timeval time = {7, 0};
    struct linger linger = {1, 3};
    socklen_t len = sizeof time;
    (void)argc;
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 77);
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(fd, SOL_SOCKET, SO_OOBINLINE, 1);
    set(fd, SOL_SOCKET, SO_RCVBUF, 20000);
    set(fd, SOL_SOCKET, SO_SNDBUF, 30000);
    buffer = get(fd, SOL_SOCKET, SO_RCVBUF);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) != 0)
        die("setsockopt");
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    check("no delay", get(fd, IPPROTO_TCP, TCP_NODELAY) != 0);
    check("keep-alive", get(fd, SOL_SOCKET, SO_KEEPALIVE) != 0 && get(fd, IPPROTO_TCP, TCP_KEEPIDLE) == 77);
    check("urgent data inline", get(fd, SOL_SOCKET, SO_OOBINLINE) != 0);
    check("receive buffer", get(fd, SOL_SOCKET, SO_RCVBUF) == buffer);
    check("send buffer", get(fd, SOL_SOCKET, SO_SNDBUF) == 60000);
    memset(&time, 0, sizeof time);
    S(getsockopt)(fd, SOL_SOCKET, SO_RCVTIMEO, &time, &len);
    check("time to receive", time.tv_sec == 7);
    memset(&time, 0, sizeof time);
    S(getsockopt)(fd, SOL_SOCKET, SO_SNDTIMEO, &time, &len);
    check("time to send", time.tv_sec == 7);
    memset(&linger, 0, sizeof linger);
    len = sizeof linger;
    S(getsockopt)(fd, SOL_SOCKET, SO_LINGER, &linger, &len);
    check("linger", linger.l_onoff == 1 && linger.l_linger == 3);
    check("close-on-exec", fcntl(fd, F_GETFD) & FD_CLOEXEC);
    check("blocking", (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0);
    check_echo(fd);
    return S(close)(fd);
}
