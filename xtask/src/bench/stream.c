/* stream HOST PORT [HANDSHAKE TARGET PORT]: for each line "receive BYTES" or "send BYTES" it connects, shakes hands itself if
 * it is told to, and prints the nanoseconds that it then took to move so many. */
#include "floor.h"

enum { PATIENCE = 120, PIECE = 1 << 16 };

static char piece[PIECE];

static void receive_all(int fd, uint64_t left)
{
    while (left > 0) {
        ssize_t got = recv(fd, piece, left < PIECE ? (size_t)left : PIECE, 0);

        if (got <= 0)
            die("recv");
        left -= (uint64_t)got;
    }
}

/* To the end: until the other side has read all of it, and closes. */
static void send_all(int fd, uint64_t left)
{
    while (left > 0) {
        ssize_t sent = send(fd, piece, left < PIECE ? (size_t)left : PIECE, MSG_NOSIGNAL);

        if (sent <= 0)
            die("send");
        left -= (uint64_t)sent;
    }
    if (shutdown(fd, SHUT_WR) != 0)
        die("shutdown");
    if (recv(fd, piece, 1, 0) != 0)
        die("recv");
}

int main(int argc, char **argv)
{
    char line[64], way[32];
    unsigned long long bytes;
    struct sockaddr_in to;
    struct script script;

    if (argc < 3)
        return 2;
    end_with_parent();
    to = address(argv[1], argv[2]);
    script = handshake(argc - 3, argv + 3);
    while (fgets(line, sizeof line, stdin) != NULL) {
        uint64_t start;
        int fd;

        alarm(PATIENCE);
        if (sscanf(line, "%31s %llu", way, &bytes) != 2 || bytes < 1)
            return 2;
        fd = start_connect(&to, 0);
        follow(fd, &script);
        start = nanos(CLOCK_MONOTONIC);
        if (strcmp(way, "receive") == 0)
            receive_all(fd, bytes);
        else if (strcmp(way, "send") == 0)
            send_all(fd, bytes);
        else
            return 2;
        printf("%llu\n", (unsigned long long)(nanos(CLOCK_MONOTONIC) - start));
        fflush(stdout);
        alarm(0);
        drop_connection(fd);
    }
    return 0;
}
