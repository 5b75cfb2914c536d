/*
 * Usage: PROGRAM TRIAL NAME ADDRESS PORT
 *
 * Tries one of the program's trials, and prints what came of each call. Exit code 0: the trial went through to its end,
 * whatever its calls said; 2: it could not be made.
 */

#include "leak.h"

const char *host, *ip, *port;

long tell(const char *what, long outcome)
{
    const char *name = outcome < 0 ? strerrorname_np(errno) : "ok";

    printf("%s: %s\n", what, name ? name : "an unknown errno");
    fflush(stdout);
    return outcome;
}

int look_up(const char *name, int family, int flags, struct addrinfo **list)
{
    struct addrinfo hints;
    int error;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags;
    *list = NULL;
    error = getaddrinfo(name, port, &hints, list);
    printf("look up '%.60s': %s\n", name, error ? gai_strerror(error) : "ok");
    fflush(stdout);
    return error;
}

struct sockaddr_in v4(const char *text, int number)
{
    struct sockaddr_in at;

    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_port = htons((in_port_t)number);
    inet_pton(AF_INET, text, &at.sin_addr);
    return at;
}

struct sockaddr_in6 v6(const char *text, int number)
{
    struct sockaddr_in6 at;

    memset(&at, 0, sizeof at);
    at.sin6_family = AF_INET6;
    at.sin6_port = htons((in_port_t)number);
    inet_pton(AF_INET6, text, &at.sin6_addr);
    return at;
}

int fetch_from(const struct sockaddr *to, socklen_t len)
{
    static const char request[] = "GET /who HTTP/1.0\r\n\r\n";
    char answer[1024];
    size_t got = 0;
    ssize_t n = 0;
    int fd = socket(to->sa_family, SOCK_STREAM, 0), came = 0;

    if (fd < 0)
        return 0;
    if (connect(fd, to, len) == 0 && send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0) {
        while (got < sizeof answer - 1 && (n = recv(fd, answer + got, sizeof answer - 1 - got, 0)) > 0)
            got += (size_t)n;
        answer[got] = '\0';
        came = strstr(answer, "interop-body") != NULL;
    }
    close(fd);
    return came;
}

int fetch_both(void)
{
    struct sockaddr_in at = v4(ip, atoi(port));
    struct addrinfo hints, *list = NULL;
    int count = fetch_from((struct sockaddr *)&at, sizeof at);

    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(host, port, &hints, &list) == 0) {
        count += fetch_from(list->ai_addr, list->ai_addrlen);
        freeaddrinfo(list);
    }
    return count;
}

int main(int argc, char **argv)
{
    const struct trial *trial;

    if (argc == 5) {
        host = argv[2];
        ip = argv[3];
        port = argv[4];
        for (trial = trials; trial->name; trial++)
            if (strcmp(trial->name, argv[1]) == 0) {
                trial->run();
                return 0;
            }
    }
    fprintf(stderr, "usage: %s TRIAL NAME ADDRESS PORT\n", argv[0]);
    return 2;
}
