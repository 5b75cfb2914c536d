/* What connect says for each of several targets: blocking, then non-blocking by poll and SO_ERROR. */
#include "victim.h"

int main(int argc, char **argv) {
    int i;
    for (i = 2; i < argc; i++) {
        address to = parse(argv[i]);
        int nonblocking = strcmp(argv[1], "poll") == 0;
        int fd = stream_to(&to, nonblocking ? SOCK_NONBLOCK : 0);
        int outcome = S(connect)(fd, &to.u.any, to.len);
        int error = outcome == 0 ? 0 : errno;
        if (error == EINPROGRESS) {
            struct pollfd wait = {0, POLLOUT, 0};
            wait.fd = fd;
            S(poll)(&wait, 1, -1);
            error = socket_error(fd);
        }
        printf("%d: %s\n", i - 1, error_name(error));
        S(close)(fd);
    }
    return 0;
}
