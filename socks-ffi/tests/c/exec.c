/* A program inherits a connected socket from the one before it in the same process. */
#include "victim.h"

int main(int argc, char **argv) {
    if (argc == 2) {
        address to = parse(argv[1]);
        int fd = connected_to(&to), own = S(fcntl)(fd, F_DUPFD_CLOEXEC, 40);
        char number[16];
        check_echo(fd);
        check("two of them", own == 40);
        fflush(stdout);
        snprintf(number, sizeof number, "%d", fd);
        execl(argv[0], argv[0], argv[1], number, (char *)NULL);
        die("exec");
    } else {
        int fd = atoi(argv[2]);
        tell("the other one", S(close)(40));
        tell_poll("poll", fd, POLLIN | POLLOUT, 0);
        check_echo(fd);
        return S(close)(fd);
    }
}
