/* Several sockets on their way at once, to different ends, waited for by one poll. */
#include "victim.h"

int main(int argc, char **argv) {
    struct pollfd waits[8];
    int errors[8], left = argc - 2, i;
    for (i = 0; i < argc - 2; i++) {
        address to = parse(argv[i + 2]);
        waits[i].fd = stream_to(&to, SOCK_NONBLOCK);
        waits[i].events = POLLOUT;
        tell("connect", S(connect)(waits[i].fd, &to.u.any, to.len));
    }
    open_gate(argv[1]);
    while (left > 0) {
        if (S(poll)(waits, (nfds_t)argc - 2, -1) <= 0)
            die("poll");
        for (i = 0; i < argc - 2; i++)
            if (waits[i].fd >= 0 && waits[i].revents != 0) {
                errors[i] = socket_error(waits[i].fd);
                if (errors[i] == 0)
                    ask(waits[i].fd, "a line");
                S(close)(waits[i].fd);
                waits[i].fd = -1;
                left--;
            }
    }
    for (i = 0; i < argc - 2; i++)
        printf("%d: %s\n", i, error_name(errors[i]));
    return 0;
}
