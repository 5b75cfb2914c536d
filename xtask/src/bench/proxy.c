/* proxy DELAY: a SOCKS 5 proxy that bears tens of thousands of connections. It grants every CONNECT without making one,
 * and what follows is what the target's port stands for: 7 echoes, 9 discards, 19 says as much as anyone wants to hear.
 * What it answers comes DELAY microseconds after what it answers, on every connection by itself; 19 has no delay.
 * Prints five ports: that of the proxy, of the same one where it asks for a login, and of echo, source and sink without
 * SOCKS. Ends when its standard input does. */
#include "bench.h"

enum { LISTENERS = 8, PORTS = 5, MOST_THREADS = 4, PIECE = 16, ROOM = 1024, BULK = 1 << 18, QUEUE = 1 << 17 };

enum phase { GREETING, LOGIN, REQUEST, ECHO, SOURCE, SINK };

/* What comes in at a port. */
static const struct kind {
    enum phase phase;
    int method;
} kinds[PORTS] = {{GREETING, 0}, {GREETING, 2}, {ECHO, 0}, {SOURCE, 0}, {SINK, 0}};

struct connection {
    enum phase phase;
    /* The method that is asked for. */
    int method;
    /* Of a listener, what comes in there. */
    const struct kind *kind;
    /* Tells one connection from the next that has its descriptor. */
    _Atomic uint32_t number;
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
static uint64_t delay;
/* Each thread has its own listeners, and with them its own connections. */
static _Thread_local struct answer *queue;
static _Thread_local size_t first, queued;
static _Thread_local int poller;
static _Thread_local unsigned char bulk[BULK];

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

static void watch(int fd, int how, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};

    if (epoll_ctl(poller, how, fd, &event) != 0)
        die("epoll_ctl");
}

/* What is behind a port, of two octets. */
static enum phase stands_for(const unsigned char *port)
{
    int number = port[0] << 8 | port[1];

    return number == 9 ? SINK : number == 19 && delay == 0 ? SOURCE : ECHO;
}

static void answer(int fd, struct connection *connection, size_t length)
{
    static const unsigned char granted[] = {5, 0, 0, 1, 0, 0, 0, 0, 0, 0};

    switch (connection->phase) {
    case GREETING: {
        int offered = memchr(connection->bytes + 2, connection->method, length - 2) != NULL;
        unsigned char chosen[] = {5, offered ? (unsigned char)connection->method : 0xff};

        say(fd, chosen, sizeof chosen);
        connection->phase = connection->method == 2 ? LOGIN : REQUEST;
        break;
    }
    case LOGIN:
        say(fd, (const unsigned char *)"\1", 2);
        connection->phase = REQUEST;
        break;
    case REQUEST:
        say(fd, granted, sizeof granted);
        connection->phase = stands_for(connection->bytes + length - 2);
        if (connection->phase == SOURCE)
            watch(fd, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
        break;
    default:
        say(fd, connection->bytes, length);
    }
}

/* Moves what is in bulk: says, or hears and forgets, as long as there is something to do, but not for ever. */
static void move(int fd, enum phase phase, uint32_t events)
{
    for (int turn = 0; turn < 16; turn++) {
        ssize_t moved = phase == SOURCE && events & EPOLLOUT ? send(fd, bulk, BULK, MSG_NOSIGNAL | MSG_DONTWAIT)
                                                             : recv(fd, bulk, BULK, MSG_DONTWAIT);

        if (moved < 0 && errno == EAGAIN)
            return;
        if (moved <= 0) {
            give_up(fd);
            return;
        }
    }
}

static void serve(int fd, uint32_t events)
{
    struct connection *connection = &connections[fd];
    ssize_t got;
    size_t length;

    if (connection->phase >= SOURCE) {
        move(fd, connection->phase, events);
        return;
    }
    got = read(fd, connection->bytes + connection->length, ROOM - connection->length);
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

static void take_in(int listener, const struct kind *kind)
{
    int fd, on = 1;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *connection = &connections[fd];

        connection->phase = kind->phase;
        connection->method = kind->method;
        connection->length = 0;
        connection->bytes = malloc(ROOM);
        if (connection->bytes == NULL || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
            die("accept4");
        watch(fd, EPOLL_CTL_ADD, kind->phase == SOURCE ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
    if (errno != EAGAIN && errno != ECONNABORTED)
        die("accept4");
}

/* One of several listeners at one port: each has a queue of its own, and one is too short for ten thousand. */
static int listen_at(struct sockaddr_in *at, const struct kind *kind)
{
    socklen_t length = sizeof *at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)at, sizeof *at) != 0 || listen(fd, 1 << 16) != 0 ||
        getsockname(fd, (struct sockaddr *)at, &length) != 0)
        die("listen");
    connections[fd].kind = kind;
    return fd;
}

/* Serves these listeners, and returns when standard input has ended, if it is told to look. */
static void serve_all(const int *listeners, size_t count, int looks)
{
    struct epoll_event events[256];
    struct timespec wait;

    queue = calloc(QUEUE, sizeof *queue);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (queue == NULL || poller < 0)
        die("epoll_create1");
    if (looks)
        watch(0, EPOLL_CTL_ADD, EPOLLIN);
    for (size_t i = 0; i < count; i++)
        watch(listeners[i], EPOLL_CTL_ADD, EPOLLIN);
    for (;;) {
        int ready = epoll_pwait2(poller, events, 256, say_what_is_due(&wait), NULL);

        if (ready < 0 && errno != EINTR)
            die("epoll_pwait2");
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;

            if (fd == 0)
                return;
            if (connections[fd].kind != NULL)
                take_in(fd, connections[fd].kind);
            else
                serve(fd, events[i].events);
        }
    }
}

static int listeners[MOST_THREADS][PORTS * LISTENERS];
static size_t threads, per_thread;

static void *in_thread(void *number)
{
    serve_all(listeners[(intptr_t)number], per_thread, 0);
    return NULL;
}

int main(int argc, char **argv)
{
    struct sockaddr_in at[PORTS];
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct rlimit limit;
    pthread_t id;

    if (argc != 2)
        return 2;
    end_with_parent();
    delay = strtoull(argv[1], NULL, 10) * 1000;
    raise_limit();
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || (connections = calloc(limit.rlim_cur, sizeof *connections)) == NULL)
        die("getrlimit");
    threads = processors >= MOST_THREADS ? MOST_THREADS : processors >= 2 ? 2 : 1;
    per_thread = PORTS * LISTENERS / threads;
    for (size_t port = 0; port < PORTS; port++) {
        at[port] = address("127.0.0.1", "0");
        for (size_t i = 0; i < LISTENERS; i++)
            listeners[i % threads][port * LISTENERS / threads + i / threads] = listen_at(&at[port], &kinds[port]);
        printf("%d%c", ntohs(at[port].sin_port), port + 1 < PORTS ? ' ' : '\n');
    }
    for (intptr_t i = 1; i < (intptr_t)threads; i++)
        if (pthread_create(&id, NULL, in_thread, (void *)i) != 0)
            die("pthread_create");
    fflush(stdout);
    serve_all(listeners[0], per_thread, 1);
    return 0;
}
