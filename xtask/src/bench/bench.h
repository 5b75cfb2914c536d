/* What the programs of the bench share. Each of them ends by itself where it hangs. */
#ifndef BENCH_H
#define BENCH_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static inline void die(const char *what)
{
    perror(what);
    exit(1);
}

static inline uint64_t nanos(clockid_t clock)
{
    struct timespec time;

    if (clock_gettime(clock, &time) != 0)
        die("clock_gettime");
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Ends when the bench does, however it ends: a program that hangs does not read that its input has. */
static inline void end_with_parent(void)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        die("prctl");
}

/* As many descriptors as this process may have. */
static inline void raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("setrlimit");
}

static inline struct sockaddr_in address(const char *host, const char *port)
{
    struct sockaddr_in to;

    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_port = htons((unsigned short)atoi(port));
    if (inet_pton(AF_INET, host, &to.sin_addr) != 1)
        die(host);
    return to;
}

/* Begins a connect; `flags` as of socket(2). */
static inline int start_connect(const struct sockaddr_in *to, int flags)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

    if (fd < 0)
        die("socket");
    if (connect(fd, (const struct sockaddr *)to, sizeof *to) != 0 && !(flags & SOCK_NONBLOCK && errno == EINPROGRESS))
        die("connect");
    return fd;
}

/* Closes without TIME_WAIT, of which thousands would use up the ports. */
static inline void drop_connection(int fd)
{
    struct linger now = {1, 0};

    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) != 0 || close(fd) != 0)
        die("close");
}

#endif
