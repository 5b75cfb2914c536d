/* SO_RCVTIMEO and SO_SNDTIMEO limit who waits for data, as ever, and who waits to send on its way to the target. */
#include "victim.h"

static void limit(int fd, int name, long ms) {
    struct timeval time = {0, 0};
    time.tv_sec = ms / 1000;
    time.tv_usec = ms % 1000 * 1000;
    if (setsockopt(fd, SOL_SOCKET, name, &time, sizeof time) != 0)
        die("setsockopt");
}

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int fd = stream_to(&to, SOCK_NONBLOCK);
    long long begun;
    char byte;
    struct iovec part = {&byte, 1};
    (void)argc;
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    fcntl(fd, F_SETFL, 0);
    limit(fd, SO_RCVTIMEO, 40);
    limit(fd, SO_SNDTIMEO, 50);
    begun = now_in_ms();
    tell("read on its way", IO(read)(fd, &byte, 1));
    check("it took that long", now_in_ms() - begun >= 40);
    begun = now_in_ms();
    tell("readv on its way", IO(readv)(fd, &part, 1));
    check("it took that long", now_in_ms() - begun >= 40);
    begun = now_in_ms();
    tell("send on its way", IO(send)(fd, "x", 1, 0));
    check("it took that long", now_in_ms() - begun >= 50);
    open_gate(argv[2]);
    limit(fd, SO_RCVTIMEO, 0);
    tell_poll("poll", fd, POLLOUT, -1);
    check_echo(fd);
    limit(fd, SO_RCVTIMEO, 40);
    begun = now_in_ms();
    tell("read", S(read)(fd, &byte, 1));
    check("it took that long", now_in_ms() - begun >= 40);
    limit(fd, SO_RCVTIMEO, 0);
    check_echo(fd);
    return S(close)(fd);
}
