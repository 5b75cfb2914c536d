/* SO_SNDTIMEO limits a blocking connect, which then goes on as one that was not waited for (socket(7)). */
#include "victim.h"

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int fd = stream_to(&to, 0);
    struct timeval time = {0, 50000};
    long long begun = now_in_ms();
    (void)argc;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time) != 0)
        die("SO_SNDTIMEO");
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    check("it took that long", now_in_ms() - begun >= 50);
    open_gate(argv[2]);
    tell_poll("poll", fd, POLLOUT, -1);
    printf("SO_ERROR: %d\n", socket_error(fd));
    check_echo(fd);
    return S(close)(fd);
}
