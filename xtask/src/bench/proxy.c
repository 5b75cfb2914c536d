/* proxy DELAY: a SOCKS 5 proxy that bears tens of thousands of connections in one thread. It grants every CONNECT
 * without making one, asks for a login whoever offers it, and then echoes; each thing it says comes DELAY microseconds
 * after what it answers, on every connection by itself. Prints its port, and a port that echoes without SOCKS.
 * Ends when its standard input does. */
#include "bench.h"

enum { LISTENERS = 8, PIECE = 16, ROOM = 1024, QUEUE = 1 << 17 };

enum phase { GREETING, LOGIN, REQUEST, ECHO };

struct connection {
    enum phase phase;
    /* Tells one connection from the next that has its descriptor. */
    uint32_t number;
    size_t length;
    unsigned char *bytes;
};

struct answer {
    uint64_t due;
    int fd;
    uint32_t number;
    size_t length;
    unsigned char bytes[PIECE];
};

static struct connection *connections;
static struct answer queue[QUEUE];
static size_t first, queued;
static uint64_t delay;
static int poller;

static void give_up(int fd)
{
    connections[fd].number++;
    free(connections[fd].bytes);
    connections[fd].bytes = NULL;
    close(fd);
}

static void say(int fd, const unsigned char *bytes, size_t length)
{
    if (delay == 0) {
        /* A client that has gone is found by the next read. */
        (void)!send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        return;
    }
    while (length > 0) {
        struct answer *answer = &queue[(first + queued) % QUEUE];
        size_t piece = length < PIECE ? length : PIECE;

        if (queued++ == QUEUE) {
            fprintf(stderr, "proxy: too many answers wait\n");
            exit(1);
        }
        answer->due = nanos(CLOCK_MONOTONIC) + delay;
        answer->fd = fd;
        answer->number = connections[fd].number;
        answer->length = piece;
        memcpy(answer->bytes, bytes, piece);
        bytes += piece;
        length -= piece;
    }
}

/* Says what is due, and returns how long until the next: the queue is in the order of time. */
static const struct timespec *say_what_is_due(struct timespec *wait)
{
    uint64_t now = nanos(CLOCK_MONOTONIC);

    for (; queued > 0; first = (first + 1) % QUEUE, queued--) {
        const struct answer *answer = &queue[first];

        if (answer->due > now) {
            wait->tv_sec = (time_t)((answer->due - now) / 1000000000u);
            wait->tv_nsec = (long)((answer->due - now) % 1000000000u);
            return wait;
        }
        if (connections[answer->fd].number == answer->number)
            (void)!send(answer->fd, answer->bytes, answer->length, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    return NULL;
}

/* How long the message at the front is; 0 if that is not known yet. */
static size_t expected(const struct connection *connection)
{
    const unsigned char *bytes = connection->bytes;
    size_t length = connection->length;

    switch (connection->phase) {
    case GREETING:
        return length < 2 ? 0 : 2u + bytes[1];
    case LOGIN:
        return length < 2 || length < 3u + bytes[1] ? 0 : 3u + bytes[1] + bytes[2 + bytes[1]];
    case REQUEST:
        if (length < 5)
            return 0;
        return bytes[3] == 1 ? 10 : bytes[3] == 4 ? 22 : 7u + bytes[4];
    default:
        return length;
    }
}

static void answer(int fd, struct connection *connection, size_t length)
{
    static const unsigned char granted[] = {5, 0, 0, 1, 0, 0, 0, 0, 0, 0};

    switch (connection->phase) {
    case GREETING: {
        unsigned char chosen[] = {5, memchr(connection->bytes + 2, 2, length - 2) != NULL ? 2 : 0};

        say(fd, chosen, sizeof chosen);
        connection->phase = chosen[1] == 2 ? LOGIN : REQUEST;
        break;
    }
    case LOGIN:
        say(fd, (const unsigned char *)"\1", 2);
        connection->phase = REQUEST;
        break;
    case REQUEST:
        say(fd, granted, sizeof granted);
        connection->phase = ECHO;
        break;
    default:
        say(fd, connection->bytes, length);
    }
}

static void serve(int fd)
{
    struct connection *connection = &connections[fd];
    ssize_t got = read(fd, connection->bytes + connection->length, ROOM - connection->length);
    size_t length;

    if (got <= 0) {
        if (got == 0 || errno != EAGAIN)
            give_up(fd);
        return;
    }
    connection->length += (size_t)got;
    while ((length = expected(connection)) > 0 && length <= connection->length) {
        answer(fd, connection, length);
        connection->length -= length;
        memmove(connection->bytes, connection->bytes + length, connection->length);
    }
    if (connection->length == ROOM)
        give_up(fd);
}

static void take_in(int listener, enum phase phase)
{
    int fd, on = 1;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

        connections[fd].phase = phase;
        connections[fd].length = 0;
        connections[fd].bytes = malloc(ROOM);
        if (connections[fd].bytes == NULL || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
            epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0)
            die("accept4");
    }
    if (errno != EAGAIN && errno != ECONNABORTED)
        die("accept4");
}

/* Several listeners at one port: each has a queue of its own, and one is too short for ten thousand. */
static void listen_at(struct sockaddr_in *at, int *listeners)
{
    socklen_t length = sizeof *at;
    int on = 1;

    for (int i = 0; i < LISTENERS; i++) {
        struct epoll_event event = {.events = EPOLLIN};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        event.data.fd = listeners[i] = fd;
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
            bind(fd, (struct sockaddr *)at, sizeof *at) != 0 || listen(fd, 1 << 16) != 0 ||
            getsockname(fd, (struct sockaddr *)at, &length) != 0 ||
            epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0)
            die("listen");
    }
}

static int is_among(int fd, const int *listeners)
{
    return fd >= listeners[0] && fd <= listeners[LISTENERS - 1];
}

int main(int argc, char **argv)
{
    struct sockaddr_in socks = address("127.0.0.1", "0"), echo = socks;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = 0}, events[256];
    int socks_listeners[LISTENERS], echo_listeners[LISTENERS];
    struct rlimit limit;
    struct timespec wait;

    if (argc != 2)
        return 2;
    delay = strtoull(argv[1], NULL, 10) * 1000;
    raise_limit();
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || (connections = calloc(limit.rlim_cur, sizeof *connections)) == NULL)
        die("getrlimit");
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, 0, &event) != 0)
        die("epoll_ctl");
    listen_at(&socks, socks_listeners);
    listen_at(&echo, echo_listeners);
    printf("%d %d\n", ntohs(socks.sin_port), ntohs(echo.sin_port));
    fflush(stdout);
    for (;;) {
        int ready = epoll_pwait2(poller, events, 256, say_what_is_due(&wait), NULL);

        if (ready < 0 && errno != EINTR)
            die("epoll_pwait2");
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;

            if (fd == 0)
                return 0;
            if (is_among(fd, socks_listeners))
                take_in(fd, GREETING);
            else if (is_among(fd, echo_listeners))
                take_in(fd, ECHO);
            else
                serve(fd);
        }
    }
}
