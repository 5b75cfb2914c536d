/*
 * Usage: PROGRAM [-m] ADDRESS PORT PATH
 *
 * Fetches a page and prints its body. -m: by an IPv6 socket to the IPv4-mapped form of the address.
 * Exit code 0: done; 1: connect failed, `connect: ERRNO` is printed; 2: something else failed;
 * 3: getpeername is not the target; 4: the peer hung up without a word.
 */

#include "fetch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_storage room;
};

static const struct {
    int number;
    const char *name;
} names[] = {
    {EACCES, "EACCES"},
    {EAFNOSUPPORT, "EAFNOSUPPORT"},
    {EAGAIN, "EAGAIN"},
    {EALREADY, "EALREADY"},
    {ECONNREFUSED, "ECONNREFUSED"},
    {ECONNRESET, "ECONNRESET"},
    {EHOSTUNREACH, "EHOSTUNREACH"},
    {EINPROGRESS, "EINPROGRESS"},
    {EIO, "EIO"},
    {ENETUNREACH, "ENETUNREACH"},
    {ENOTCONN, "ENOTCONN"},
    {EOPNOTSUPP, "EOPNOTSUPP"},
    {EPIPE, "EPIPE"},
    {EPROTO, "EPROTO"},
    {ETIMEDOUT, "ETIMEDOUT"},
};

static void complain(const char *what, int error)
{
    size_t i;

    for (i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].number == error) {
            fprintf(stderr, "%s: %s\n", what, names[i].name);
            return;
        }
    fprintf(stderr, "%s: errno %d\n", what, error);
}

static void fail(int code, const char *what, int error)
{
    complain(what, error);
    exit(code);
}

static void hung_up(void)
{
    fputs("the peer hung up\n", stderr);
    exit(4);
}

int set_nonblocking(int fd, int on)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0)
        return errno;
    flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    return fcntl(fd, F_SETFL, flags) < 0 ? errno : 0;
}

int begin_connect(int fd, const struct sockaddr *to, socklen_t len)
{
    int error = set_nonblocking(fd, 1);

    if (error)
        return error;
    return connect(fd, to, len) < 0 ? errno : 0;
}

int socket_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? errno : error;
}

/* The length of the address, or 0 if it is none. */
static socklen_t parse(union address *to, const char *ip, const char *port, int mapped)
{
    in_port_t number = htons((unsigned short)atoi(port));
    char text[INET6_ADDRSTRLEN + 8];

    memset(to, 0, sizeof *to);
    if (!mapped && inet_pton(AF_INET, ip, &to->in.sin_addr) == 1) {
        to->in.sin_family = AF_INET;
        to->in.sin_port = number;
        return sizeof to->in;
    }
    snprintf(text, sizeof text, "%s%s", mapped ? "::ffff:" : "", ip);
    if (inet_pton(AF_INET6, text, &to->in6.sin6_addr) == 1) {
        to->in6.sin6_family = AF_INET6;
        to->in6.sin6_port = number;
        return sizeof to->in6;
    }
    return 0;
}

static void check_peer(int fd, const union address *target)
{
    union address peer;
    socklen_t len = sizeof peer;
    int same;

    memset(&peer, 0, sizeof peer);
    if (getpeername(fd, &peer.any, &len) < 0)
        fail(3, "getpeername", errno);
    if (peer.any.sa_family != target->any.sa_family)
        same = 0;
    else if (peer.any.sa_family == AF_INET)
        same = len == sizeof peer.in && peer.in.sin_port == target->in.sin_port
               && peer.in.sin_addr.s_addr == target->in.sin_addr.s_addr;
    else
        same = len == sizeof peer.in6 && peer.in6.sin6_port == target->in6.sin6_port
               && memcmp(&peer.in6.sin6_addr, &target->in6.sin6_addr, sizeof peer.in6.sin6_addr) == 0;
    if (!same) {
        fprintf(stderr, "getpeername is not the target (family %d, length %d)\n", (int)peer.any.sa_family, (int)len);
        exit(3);
    }
}

static void send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        /* Without a signal: the peer may have hung up already. */
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            hung_up();
        if (n < 0)
            fail(2, "send", errno);
        data += n;
        len -= (size_t)n;
    }
}

static size_t receive_all(int fd, char *data, size_t room)
{
    size_t len = 0;
    ssize_t n;

    while (len < room && (n = recv(fd, data + len, room - len, 0)) != 0) {
        if (n < 0 && errno == ECONNRESET && len == 0)
            hung_up();
        if (n < 0)
            fail(2, "recv", errno);
        len += (size_t)n;
    }
    return len;
}

int main(int argc, char **argv)
{
    int mapped = argc > 1 && strcmp(argv[1], "-m") == 0;
    char **words = argv + mapped;
    char request[512], answer[4096];
    const char *body;
    union address to;
    socklen_t len;
    size_t got;
    int fd, error;

    if (argc - mapped != 4 || (len = parse(&to, words[1], words[2], mapped)) == 0) {
        fprintf(stderr, "usage: %s [-m] ADDRESS PORT PATH\n", argv[0]);
        return 2;
    }
    fd = socket(to.any.sa_family, SOCK_STREAM, 0);
    if (fd < 0)
        fail(2, "socket", errno);
    error = connect_socket(fd, &to.any, len);
    if (error)
        fail(1, "connect", error);
    check_peer(fd, &to);

    snprintf(request, sizeof request, "GET %s HTTP/1.0\r\n\r\n", words[3]);
    send_all(fd, request, strlen(request));
    got = receive_all(fd, answer, sizeof answer - 1);
    if (got == 0)
        hung_up();
    answer[got] = '\0';
    body = strstr(answer, "\r\n\r\n");
    if (body == NULL) {
        fprintf(stderr, "no body in: %s\n", answer);
        return 2;
    }
    fputs(body + 4, stdout);
    return close(fd) == 0 ? 0 : 2;
}
