/* poll and select over many descriptors, of which one is on its way. */
#include "victim.h"

enum { PIPES = 20 };

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int fd = stream_to(&to, SOCK_NONBLOCK), pipes[PIPES][2], pair[2], i, ready;
    struct pollfd waits[PIPES + 4];
    nfds_t count = PIPES + 4;
    long long begun;
    char byte = 'x';
    (void)argc;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        die("socketpair");
    for (i = 0; i < PIPES; i++) {
        if (pipe(pipes[i]) != 0)
            die("pipe");
        waits[i].fd = pipes[i][0];
        waits[i].events = POLLIN;
        waits[i].revents = POLLOUT;
    }
    waits[PIPES].fd = fd;
    waits[PIPES].events = POLLOUT;
    waits[PIPES + 1].fd = -1;
    waits[PIPES + 1].events = POLLIN;
    waits[PIPES + 1].revents = POLLIN;
    waits[PIPES + 2].fd = pair[0];
    waits[PIPES + 2].events = POLLIN;
    waits[PIPES + 3].fd = 999;
    waits[PIPES + 3].events = POLLIN;
    tell("connect", S(connect)(fd, &to.u.any, to.len));

    tell("one is not open", S(poll)(waits, count, -1));
    check("that one", waits[PIPES + 3].revents == POLLNVAL && waits[0].revents == 0 && waits[PIPES + 1].revents == 0);
    count--;
    begun = now_in_ms();
    tell("nothing happens", S(poll)(waits, count, 80));
    check("it took that long", now_in_ms() - begun >= 80);
    tell("nothing happened", S(poll)(waits, count, 0));

    if (S(write)(pipes[7][1], &byte, 1) != 1 || S(write)(pair[1], &byte, 1) != 1)
        die("write");
    tell("two are ready", S(poll)(waits, count, -1));
    for (i = 0; i < (int)count; i++)
        if (waits[i].revents != 0)
            printf("  the one at %d: %d\n", i, waits[i].revents);
    if (S(read)(pipes[7][0], &byte, 1) != 1 || S(read)(pair[0], &byte, 1) != 1)
        die("read");
    S(close)(pipes[3][1]);
    tell("an end is closed", S(poll)(waits, count, -1));
    check("that one", waits[3].revents == POLLHUP);
    waits[3].fd = -1;

    open_gate(argv[2]);
    ready = S(poll)(waits, count, -1);
    tell("connected", ready);
    check("writable", waits[PIPES].revents == POLLOUT);
    printf("SO_ERROR: %d\n", socket_error(fd));
    check_echo(fd);
    return S(close)(fd);
}
