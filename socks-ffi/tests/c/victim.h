/*
 * What the programs here share.
 *
 * Each is compiled with -DEXPLICIT, with -DSOCKS_REMAP and as it is; S(connect) is the right name in all three. Each
 * prints what it sees in words that are the same in every run: never a port, never a time.
 */
#ifndef victim_h
#define victim_h

#if defined EXPLICIT || defined SOCKS_REMAP
#include "socks.h"
#define IO(name) R##name
#else
/* For I/O on a socket that is not connected yet, which has to go by the R names; see socks.h. */
#define IO(name) name
#endif

#ifdef EXPLICIT
#define S(name) R##name
#else
#define S(name) name
#endif

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* For functions that not every program calls. */
#define HELPER static __attribute__((unused))

typedef struct {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage storage;
    } u;
    socklen_t len;
} address;

HELPER void die(const char *what) {
    fflush(stdout);
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    _exit(1);
}

/* Reads "127.0.0.1:80" or "[::1]:80". */
HELPER address parse(const char *text) {
    address to;
    char host[64];
    const char *colon = strrchr(text, ':');
    int is_v6 = *text == '[';
    size_t len = (size_t)(colon - text) - (is_v6 ? 2 : 0);
    in_port_t port = htons((in_port_t)atoi(colon + 1));
    memset(&to, 0, sizeof to);
    memcpy(host, text + is_v6, len);
    host[len] = 0;
    to.u.any.sa_family = is_v6 ? AF_INET6 : AF_INET;
    if (is_v6) {
        to.u.v6.sin6_port = port;
        to.len = sizeof to.u.v6;
    } else {
        to.u.v4.sin_port = port;
        to.len = sizeof to.u.v4;
    }
    if (inet_pton(to.u.any.sa_family, host, is_v6 ? (void *)&to.u.v6.sin6_addr : (void *)&to.u.v4.sin_addr) != 1)
        die(text);
    return to;
}

/* Writes an address as parse reads it; an IPv4 one always as such. The text lasts for four more calls. */
HELPER const char *show(const address *from) {
    static char texts[4][80];
    static int next;
    char host[64] = "";
    char *text = texts[next++ % 4];
    if (from->u.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &from->u.v4.sin_addr, host, sizeof host);
        snprintf(text, 80, "%s:%d", host, ntohs(from->u.v4.sin_port));
    } else if (from->u.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &from->u.v6.sin6_addr, host, sizeof host);
        if (strncmp(host, "::ffff:", 7) == 0)
            snprintf(text, 80, "%s:%d", host + 7, ntohs(from->u.v6.sin6_port));
        else
            snprintf(text, 80, "[%s]:%d", host, ntohs(from->u.v6.sin6_port));
    } else {
        snprintf(text, 80, "family %d", from->u.any.sa_family);
    }
    return text;
}

HELPER const char *error_name(int error) {
    static const struct {
        int error;
        const char *name;
    } names[] = {
        {0, "0"},
        {EACCES, "EACCES"},
        {EADDRINUSE, "EADDRINUSE"},
        {EADDRNOTAVAIL, "EADDRNOTAVAIL"},
        {EAFNOSUPPORT, "EAFNOSUPPORT"},
        {EAGAIN, "EAGAIN"},
        {EALREADY, "EALREADY"},
        {EBADF, "EBADF"},
        {ECONNABORTED, "ECONNABORTED"},
        {ECONNREFUSED, "ECONNREFUSED"},
        {ECONNRESET, "ECONNRESET"},
        {EFAULT, "EFAULT"},
        {EEXIST, "EEXIST"},
        {EHOSTUNREACH, "EHOSTUNREACH"},
        {EINPROGRESS, "EINPROGRESS"},
        {EINTR, "EINTR"},
        {EINVAL, "EINVAL"},
        {EIO, "EIO"},
        {EISCONN, "EISCONN"},
        {ENETUNREACH, "ENETUNREACH"},
        {ENOENT, "ENOENT"},
        {ENOSYS, "ENOSYS"},
        {ENOTCONN, "ENOTCONN"},
        {ENOTSOCK, "ENOTSOCK"},
        {EOPNOTSUPP, "EOPNOTSUPP"},
        {EPIPE, "EPIPE"},
        {EPROTO, "EPROTO"},
        {ESPIPE, "ESPIPE"},
        {ETIMEDOUT, "ETIMEDOUT"},
    };
    static char other[32];
    size_t i;
    for (i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].error == error)
            return names[i].name;
    snprintf(other, sizeof other, "errno %d", error);
    return other;
}

/* Prints what a call came to: its value, or why it failed. */
HELPER long tell(const char *what, long value) {
    if (value < 0)
        printf("%s: %s\n", what, error_name(errno));
    else
        printf("%s: %ld\n", what, value);
    return value;
}

/* Prints whether something is as it should be. */
HELPER void check(const char *what, int holds) { printf("%s: %s\n", what, holds ? "yes" : "no"); }

HELPER int stream_to(const address *to, int flags) {
    int fd = socket(to->u.any.sa_family, SOCK_STREAM | flags, 0);
    if (fd < 0)
        die("socket");
    return fd;
}

/* A connected socket, or the end. */
HELPER int connected_to(const address *to) {
    int fd = stream_to(to, 0);
    if (S(connect)(fd, &to->u.any, to->len) != 0)
        die("connect");
    return fd;
}

/* A socket that is on its way, or the end. */
HELPER int on_its_way(const address *to) {
    int fd = stream_to(to, SOCK_NONBLOCK);
    if (S(connect)(fd, &to->u.any, to->len) != -1 || errno != EINPROGRESS)
        die("connect");
    return fd;
}

HELPER int control(int epoll, int op, int fd, uint32_t events, uint64_t data) {
    struct epoll_event event;
    event.events = events;
    event.data.u64 = data;
    return S(epoll_ctl)(epoll, op, fd, &event);
}

HELPER int socket_error(int fd) {
    int error = -1;
    socklen_t len = sizeof error;
    if (S(getsockopt)(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        die("SO_ERROR");
    return error;
}

HELPER address local_name(int fd) {
    address name;
    name.len = sizeof name.u;
    if (S(getsockname)(fd, &name.u.any, &name.len) != 0)
        die("getsockname");
    return name;
}

HELPER address peer_name(int fd) {
    address name;
    name.len = sizeof name.u;
    if (S(getpeername)(fd, &name.u.any, &name.len) != 0)
        die("getpeername");
    return name;
}

/* Reads a line without its end, from a socket of any kind, a byte at a time so that nothing behind it is lost. */
HELPER const char *read_line(int fd) {
    static char line[256];
    size_t len = 0;
    while (len < sizeof line - 1) {
        struct pollfd wait = {0, POLLIN, 0};
        ssize_t got = S(read)(fd, line + len, 1);
        wait.fd = fd;
        if (got < 0 && errno == EAGAIN)
            S(poll)(&wait, 1, -1);
        else if (got < 0)
            die("read");
        else if (got == 0 || line[len++] == '\n')
            break;
    }
    line[len] = 0;
    if (len > 0 && line[len - 1] == '\n')
        line[len - 1] = 0;
    return line;
}

HELPER void write_line(int fd, const char *line) {
    if (S(write)(fd, line, strlen(line)) != (ssize_t)strlen(line) || S(write)(fd, "\n", 1) != 1)
        die("write");
}

HELPER const char *ask(int fd, const char *line) {
    write_line(fd, line);
    return read_line(fd);
}

/* Sends a line there and back. */
HELPER void check_echo(int fd) { printf("echo: %s\n", ask(fd, "to you and back")); }

HELPER long long now_in_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* What poll says of one descriptor. */
HELPER void tell_poll(const char *what, int fd, short events, int timeout) {
    struct pollfd wait = {0, 0, 0};
    int ready;
    wait.fd = fd;
    wait.events = events;
    ready = S(poll)(&wait, 1, timeout);
    if (ready < 0) {
        tell(what, ready);
        return;
    }
    printf("%s: %d%s%s%s%s%s\n", what, ready, wait.revents & POLLIN ? " in" : "", wait.revents & POLLOUT ? " out" : "",
           wait.revents & POLLERR ? " error" : "", wait.revents & POLLHUP ? " hangup" : "",
           wait.revents & POLLNVAL ? " invalid" : "");
}

/* What select says of one descriptor. */
HELPER void tell_select(const char *what, int fd, long timeout_ms) {
    fd_set in, out;
    struct timeval timeout;
    int ready;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(fd, &in);
    FD_SET(fd, &out);
    timeout.tv_sec = timeout_ms / 1000;
    timeout.tv_usec = timeout_ms % 1000 * 1000;
    ready = S(select)(fd + 1, &in, &out, NULL, timeout_ms < 0 ? NULL : &timeout);
    printf("%s: %d%s%s\n", what, ready, ready > 0 && FD_ISSET(fd, &in) ? " in" : "",
           ready > 0 && FD_ISSET(fd, &out) ? " out" : "");
}

/* Lets the proxy's answers through. Safe in a signal handler. */
HELPER void open_gate(const char *lever) {
    struct sockaddr_un to;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    memset(&to, 0, sizeof to);
    to.sun_family = AF_UNIX;
    strncpy(to.sun_path, lever, sizeof to.sun_path - 1);
    if (fd < 0 || S(connect)(fd, (const struct sockaddr *)&to, sizeof to) != 0)
        die("the gate");
    S(close)(fd);
}

#ifdef __SANITIZE_ADDRESS__
/*
 * LeakSanitizer does not look into memory that a library maps by itself, where libsocks keeps what it knows of
 * sockets, and takes for lost what is held there. Whether the library loses anything is valgrind's to tell, which does.
 */
extern const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libsocks.so\n"; }
#endif

#endif
