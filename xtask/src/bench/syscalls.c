/* syscalls HOST PORT: two blocking connects, a getppid before and after each to find them in a trace by. */
#include "bench.h"

int main(int argc, char **argv)
{
    struct sockaddr_in to;

    if (argc != 3)
        return 2;
    alarm(60);
    to = address(argv[1], argv[2]);
    for (int i = 0; i < 2; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        if (fd < 0)
            die("socket");
        getppid();
        if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
            die("connect");
        getppid();
        close(fd);
    }
    return 0;
}
