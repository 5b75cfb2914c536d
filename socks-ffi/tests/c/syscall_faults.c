/*
 * One conversation through the proxy, in the way that the first argument names; then another, to see what the library is
 * left in; then whether a descriptor is left. tests/syscall_faults makes a system call of the first one fail, of those
 * that are made between two getppid: while a function of the library's is at work.
 */
#include "victim.h"

#include <netdb.h>

static int watched = 1;
static long kept;

static void mark(void) {
    int saved = errno;
    if (watched)
        getppid();
    errno = saved;
}

/* A call in which a fault may strike. */
#define IN(call) (mark(), kept = (call), mark(), kept)

/* What a program has to expect of a call on a socket that works: asked once more, it does it. */
static int is_passing(void) { return errno == EINTR || errno == EAGAIN; }

/* Each returns the name of the call that failed, with its errno, or NULL. */
typedef const char *(*way)(const address *to);

static const char *wait_for(int fd, short events) {
    struct pollfd asked = {0, 0, 0};
    asked.fd = fd;
    asked.events = events;
    while (IN(S(poll)(&asked, 1, -1)) < 0)
        if (!is_passing())
            return "poll";
    return NULL;
}

static const char *wait_by_select(int fd) {
    fd_set out;
    do {
        FD_ZERO(&out);
        FD_SET(fd, &out);
        if (IN(S(select)(fd + 1, NULL, &out, NULL, NULL)) >= 0)
            return NULL;
    } while (is_passing());
    return "select";
}

/* What SO_ERROR says of a connect that is over. */
static const char *outcome(int fd) {
    int error = 0;
    socklen_t len = sizeof error;
    if (IN(S(getsockopt)(fd, SOL_SOCKET, SO_ERROR, &error, &len)) != 0)
        return "getsockopt";
    errno = error;
    return error == 0 ? NULL : "connect";
}

/* One line there and back, byte by byte right, whatever the descriptor's flags. */
static const char *echo(int fd) {
    static const char line[] = "to you and back\n";
    char back[sizeof line] = "";
    size_t sent = 0, got = 0;
    const char *failed = NULL;
    while (sent < sizeof line - 1) {
        ssize_t count = IN(S(write)(fd, line + sent, sizeof line - 1 - sent));
        if (count > 0)
            sent += (size_t)count;
        else if (!is_passing())
            return "write";
        else if (errno == EAGAIN && (failed = wait_for(fd, POLLOUT)) != NULL)
            return failed;
    }
    while (got < sizeof line - 1) {
        ssize_t count = IN(S(read)(fd, back + got, sizeof line - 1 - got));
        if (count > 0)
            got += (size_t)count;
        else if (count == 0)
            return errno = 0, "the echo is too short, read";
        else if (!is_passing())
            return "read";
        else if (errno == EAGAIN && (failed = wait_for(fd, POLLIN)) != NULL)
            return failed;
    }
    errno = 0;
    return strcmp(line, back) == 0 ? NULL : "another echo, read";
}

/* A connected socket: the peer is who it should be, and what is sent comes back. */
static const char *converse(int fd, const address *to) {
    address peer;
    peer.len = sizeof peer.u;
    if (IN(S(getpeername)(fd, &peer.u.any, &peer.len)) != 0)
        return "getpeername";
    errno = 0;
    if (strcmp(show(&peer), show(to)) != 0)
        return "another peer, getpeername";
    return echo(fd);
}

/* The descriptor is gone whatever close says. */
static const char *done(int fd, const char *failed) {
    int saved = errno;
    if (IN(S(close)(fd)) != 0 && failed == NULL && errno != EINTR)
        return "close";
    errno = saved;
    return failed;
}

/* A connect that waits, or that goes on after a signal. */
static const char *connect_and_wait(int fd, const address *to) {
    const char *failed;
    if (IN(S(connect)(fd, &to->u.any, to->len)) == 0)
        return NULL;
    if (errno != EINTR && errno != EINPROGRESS)
        return "connect";
    failed = wait_for(fd, POLLOUT);
    return failed != NULL ? failed : outcome(fd);
}

static const char *blocking(const address *to) {
    int fd = stream_to(to, 0);
    const char *failed = connect_and_wait(fd, to);
    return done(fd, failed != NULL ? failed : converse(fd, to));
}

static const char *by_poll(const address *to) {
    int fd = stream_to(to, SOCK_NONBLOCK);
    const char *failed = connect_and_wait(fd, to);
    return done(fd, failed != NULL ? failed : converse(fd, to));
}

static const char *by_select(const address *to) {
    int fd = stream_to(to, SOCK_NONBLOCK);
    const char *failed = NULL;
    if (IN(S(connect)(fd, &to->u.any, to->len)) != 0) {
        failed = errno == EINPROGRESS || errno == EINTR ? wait_by_select(fd) : "connect";
        failed = failed != NULL ? failed : outcome(fd);
    }
    return done(fd, failed != NULL ? failed : converse(fd, to));
}

/* What the epoll tells of its one socket, which has to be in `events`. */
static const char *wait_by_epoll(int epoll, uint32_t events) {
    struct epoll_event told;
    for (;;) {
        long count = IN(S(epoll_wait)(epoll, &told, 1, -1));
        if (count > 0) {
            errno = 0;
            return told.data.u64 == 7 && (told.events & (events | EPOLLERR | EPOLLHUP)) != 0 ? NULL
                                                                                             : "another event, epoll_wait";
        }
        if (count < 0 && !is_passing())
            return "epoll_wait";
    }
}

static const char *with_epoll(const address *to, int before, uint32_t flags) {
    int fd = stream_to(to, SOCK_NONBLOCK), epoll = epoll_create1(EPOLL_CLOEXEC);
    const char *failed = NULL;
    uint32_t events = EPOLLOUT | flags;
    if (before && IN(control(epoll, EPOLL_CTL_ADD, fd, events, 7)) != 0)
        failed = "epoll_ctl";
    if (failed == NULL && IN(S(connect)(fd, &to->u.any, to->len)) != 0 && errno != EINPROGRESS && errno != EINTR)
        failed = "connect";
    if (failed == NULL && !before && IN(control(epoll, EPOLL_CTL_ADD, fd, events, 7)) != 0)
        failed = "epoll_ctl";
    failed = failed != NULL ? failed : wait_by_epoll(epoll, EPOLLOUT);
    failed = failed != NULL ? failed : outcome(fd);
    if (failed == NULL && IN(control(epoll, EPOLL_CTL_MOD, fd, EPOLLIN | flags, 7)) != 0)
        failed = "epoll_ctl";
    failed = failed != NULL ? failed : converse(fd, to);
    if (failed == NULL && IN(control(epoll, EPOLL_CTL_DEL, fd, 0, 0)) != 0)
        failed = "epoll_ctl";
    failed = done(fd, failed);
    return done(epoll, failed);
}

static const char *by_epoll(const address *to) { return with_epoll(to, 0, 0); }

static const char *by_edge(const address *to) { return with_epoll(to, 1, EPOLLET); }

/* Duplicated before the connect and while it is on its way; the one that was connected is closed before its time. */
static const char *by_duplicates(const address *to) {
    int first = stream_to(to, SOCK_NONBLOCK), second = (int)IN(S(dup)(first)), third = -1;
    const char *failed = second < 0 ? "dup" : NULL;
    if (failed == NULL && IN(S(connect)(first, &to->u.any, to->len)) != 0 && errno != EINPROGRESS && errno != EINTR)
        failed = "connect";
    if (failed == NULL && (third = (int)IN(S(fcntl)(second, F_DUPFD_CLOEXEC, 0))) < 0)
        failed = "fcntl";
    failed = done(first, failed);
    failed = failed != NULL ? failed : wait_for(second, POLLOUT);
    failed = failed != NULL ? failed : outcome(second);
    failed = failed != NULL ? failed : converse(third, to);
    if (third >= 0)
        failed = done(third, failed);
    return second < 0 ? failed : done(second, failed);
}

/* One connection that comes in, as for FTP: the target is told where. */
static const char *call_back(int control, int fd, const address *to) {
    address bound;
    char line[128], said[128] = "";
    int data;
    size_t got = 0;
    const char *failed = NULL;
    memset(&bound, 0, sizeof bound);
    bound.u.v4.sin_family = AF_INET;
    bound.u.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (IN(S(bind)(fd, &bound.u.any, sizeof bound.u.v4)) != 0)
        return "bind";
    while (IN(S(listen)(fd, 1)) != 0)
        if (errno != EINTR)
            return "listen";
    bound.len = sizeof bound.u;
    if (IN(S(getsockname)(fd, &bound.u.any, &bound.len)) != 0)
        return "getsockname";
    failed = connect_and_wait(control, to);
    failed = failed != NULL ? failed : converse(control, to);
    if (failed != NULL)
        return failed;
    snprintf(line, sizeof line, "call %s\n", show(&bound));
    if (S(write)(control, line, strlen(line)) != (ssize_t)strlen(line))
        return "write";
    /* The control connection says who calls; the peer of the other one has to be that. */
    while (got < sizeof said - 1 && S(read)(control, said + got, 1) == 1 && said[got] != '\n')
        got++;
    said[got] = 0;
    errno = 0;
    if (strncmp(said, "calling from ", 13) != 0)
        return "no call, read";
    bound.len = sizeof bound.u;
    while ((data = (int)IN(S(accept)(fd, &bound.u.any, &bound.len))) < 0)
        if (!is_passing())
            return "accept";
    errno = 0;
    if (strcmp(show(&bound), said + 13) != 0)
        failed = "another peer, accept";
    if (failed == NULL && strcmp(read_line(data), "calling") != 0)
        failed = "another line, read";
    return done(data, failed != NULL ? failed : echo(data));
}

static const char *by_bind(const address *to) {
    int control = stream_to(to, 0), fd = stream_to(to, 0);
    const char *failed = call_back(control, fd, to);
    return done(control, done(fd, failed));
}

/* By a name that the proxy resolves. */
static const char *by_name(const address *to) {
    struct addrinfo hints, *found = NULL;
    char port[8];
    int fd, outcome;
    const char *failed;
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    snprintf(port, sizeof port, "%d", ntohs(to->u.v4.sin_port));
    errno = 0;
    outcome = (int)IN(S(getaddrinfo)("service.example", port, &hints, &found));
    if (outcome != 0) {
        /* Its errors are others than those of system calls. */
        if (outcome != EAI_SYSTEM)
            errno = -1;
        return "getaddrinfo";
    }
    fd = stream_to(to, 0);
    failed = NULL;
    if (IN(S(connect)(fd, found->ai_addr, found->ai_addrlen)) != 0)
        failed = "connect";
    freeaddrinfo(found);
    return done(fd, failed != NULL ? failed : echo(fd));
}

static const struct {
    const char *name;
    way converse;
} ways[] = {
    {"blocking", blocking}, {"poll", by_poll},      {"select", by_select}, {"epoll", by_epoll},
    {"edge", by_edge},      {"dup", by_duplicates}, {"bind", by_bind},     {"name", by_name},
};

static int descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    if (folder == NULL)
        die("/proc/self/fd");
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static void tell_outcome(const char *which, const char *failed) {
    int error = errno;
    if (failed == NULL)
        printf("%s: 0\n", which);
    else
        printf("%s: %d %s\n", which, error, failed);
}

int main(int argc, char **argv) {
    address to = parse(argv[2]);
    int before = descriptors();
    size_t i;
    (void)argc;
    for (i = 0; i < sizeof ways / sizeof *ways && strcmp(ways[i].name, argv[1]) != 0; i++)
        ;
    if (i == sizeof ways / sizeof *ways)
        die(argv[1]);
    tell_outcome("first", ways[i].converse(&to));
    watched = 0;
    tell_outcome("again", ways[i].converse(&to));
    printf("left: %d\n", descriptors() - before);
    return 0;
}
