/*
 * The C side of tests/faults.rs: many requests at once in one process, each to what the hostile proxy makes of it.
 *
 *     faults blocking THREADS    each thread takes an order, connects, says its piece and reads to the end
 *     faults level               one thread, non-blocking sockets in an epoll, level-triggered
 *     faults edge                the same, edge-triggered
 *
 * An order is "ID connect TARGET", and is answered "ID heard LENGTH HASH END", where END is "0" or an errno, or
 * "ID errno NAME". "ID bind ADDRESS SECONDS" is for a thread: an address of the proxy's, and how long a peer may take.
 * "count" is answered "count DESCRIPTORS BYTES", with the memory in use.
 */
#include "victim.h"

#include <malloc.h>
#include <pthread.h>

/* That of socks_conformance::faults. */
static const char said[] = "to the target and back: every byte of this, in this order, and no other\r\n";
#define SAID (sizeof said - 1)

typedef struct {
    char id[16];
    int fd;
    int is_connected;
    size_t said;
    unsigned long long len, hash;
} connection;

static void begin(connection *c, const char *id) {
    memset(c, 0, sizeof *c);
    snprintf(c->id, sizeof c->id, "%s", id);
    c->fd = -1;
    c->hash = 0xcbf29ce484222325;
}

/* FNV-1a. */
static void hear(connection *c, const unsigned char *bytes, size_t len) {
    size_t i;
    for (i = 0; i < len; i++)
        c->hash = (c->hash ^ bytes[i]) * 0x100000001b3;
    c->len += len;
}

/* Tells what came of it, and closes. */
static void end(connection *c, int error) {
    if (c->fd >= 0)
        S(close)(c->fd);
    flockfile(stdout);
    if (c->is_connected)
        printf("%s heard %llu %llu %s\n", c->id, c->len, c->hash, error_name(error));
    else
        printf("%s errno %s\n", c->id, error_name(error));
    fflush(stdout);
    funlockfile(stdout);
}

/* Says the rest of the piece, and reads what there is. Whether it has come to an end. */
static int go_on(connection *c) {
    unsigned char bytes[16384];
    ssize_t n = 0;
    while (c->said < SAID && (n = S(write)(c->fd, said + c->said, SAID - c->said)) > 0)
        c->said += (size_t)n;
    while (c->said == SAID && (n = S(read)(c->fd, bytes, sizeof bytes)) > 0)
        hear(c, bytes, (size_t)n);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    end(c, n < 0 ? errno : 0);
    return 1;
}

/* What is open, and what memory is in use: by malloc, and mapped beside it. */
static void count(void) {
    DIR *folder = opendir("/proc/self/fd");
    FILE *file = fopen("/proc/self/statm", "r");
    struct mallinfo2 heap;
    long pages = 0;
    int open = 0;
    if (folder == NULL || file == NULL || fscanf(file, "%ld", &pages) != 1)
        die("/proc");
    while (readdir(folder) != NULL)
        open++;
    closedir(folder);
    fclose(file);
    heap = mallinfo2();
    printf("count %d %lld\n", open, (long long)heap.uordblks + pages * sysconf(_SC_PAGESIZE) - (long long)heap.arena);
    fflush(stdout);
}

typedef struct {
    const char *id, *what, *target, *seconds;
} order;

/* Whether there is something to do. */
static int take(char *line, order *taken) {
    char *rest;
    taken->id = strtok_r(line, " \n", &rest);
    taken->what = strtok_r(NULL, " \n", &rest);
    taken->target = strtok_r(NULL, " \n", &rest);
    taken->seconds = strtok_r(NULL, " \n", &rest);
    if (taken->target != NULL)
        return 1;
    count();
    return 0;
}

/* Listens at the proxy, and takes the one peer that comes in place of the listening socket. */
static int accepted(connection *c, const address *at, const char *seconds) {
    struct timeval limit = {0, 0};
    int data;
    limit.tv_sec = atoi(seconds);
    if (S(setsockopt)(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0)
        die("SO_RCVTIMEO");
    if (S(bind)(c->fd, &at->u.any, at->len) != 0 || S(listen)(c->fd, 1) != 0)
        return -1;
    data = S(accept)(c->fd, NULL, NULL);
    if (data < 0) {
        /* What a timeout of the socket's own is called. */
        if (errno == EAGAIN)
            errno = ETIMEDOUT;
        return -1;
    }
    S(close)(c->fd);
    c->fd = data;
    return 0;
}

static pthread_mutex_t orders = PTHREAD_MUTEX_INITIALIZER;

static void *work(void *unused) {
    char line[128];
    (void)unused;
    for (;;) {
        connection c;
        address to;
        order taken;
        int got, outcome;
        pthread_mutex_lock(&orders);
        got = fgets(line, sizeof line, stdin) != NULL;
        pthread_mutex_unlock(&orders);
        if (!got)
            return NULL;
        if (!take(line, &taken))
            continue;
        begin(&c, taken.id);
        to = parse(taken.target);
        c.fd = stream_to(&to, 0);
        outcome = taken.seconds ? accepted(&c, &to, taken.seconds) : S(connect)(c.fd, &to.u.any, to.len);
        if (outcome != 0) {
            end(&c, errno);
            continue;
        }
        c.is_connected = 1;
        while (!go_on(&c))
            ;
    }
}

static void work_together(int count) {
    pthread_t *threads = calloc((size_t)count, sizeof *threads);
    int i;
    if (threads == NULL)
        die("calloc");
    for (i = 0; i < count; i++)
        if ((errno = pthread_create(&threads[i], NULL, work, NULL)) != 0)
            die("pthread_create");
    for (i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    free(threads);
}

static uint32_t trigger;

/* The events of a connection: what it still waits for, where that matters. */
static void begin_in(int epoll, const char *id, const char *target) {
    connection *c = malloc(sizeof *c);
    address to = parse(target);
    struct epoll_event event;
    if (c == NULL)
        die("malloc");
    begin(c, id);
    c->fd = stream_to(&to, SOCK_NONBLOCK);
    if (S(connect)(c->fd, &to.u.any, to.len) != 0 && errno != EINPROGRESS) {
        end(c, errno);
        free(c);
        return;
    }
    event.events = EPOLLIN | EPOLLOUT | trigger;
    event.data.ptr = c;
    if (S(epoll_ctl)(epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        die("epoll_ctl");
}

static void move_on(int epoll, connection *c, uint32_t events) {
    if (!c->is_connected) {
        int error;
        if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
            return;
        error = socket_error(c->fd);
        if (error != 0) {
            end(c, error);
            free(c);
            return;
        }
        c->is_connected = 1;
    }
    if (go_on(c)) {
        free(c);
        return;
    }
    if (!trigger && c->said == SAID) {
        struct epoll_event event;
        event.events = EPOLLIN;
        event.data.ptr = c;
        if (S(epoll_ctl)(epoll, EPOLL_CTL_MOD, c->fd, &event) != 0)
            die("epoll_ctl");
    }
}

/* Takes the orders that are there; whether there may be more of them. */
static int take_orders(int epoll) {
    static char lines[4096];
    static size_t have;
    order taken;
    char *end;
    ssize_t n = S(read)(0, lines + have, sizeof lines - 1 - have);
    if (n <= 0)
        return 0;
    have += (size_t)n;
    lines[have] = 0;
    while ((end = strchr(lines, '\n')) != NULL) {
        size_t len = (size_t)(end + 1 - lines);
        *end = 0;
        if (take(lines, &taken))
            begin_in(epoll, taken.id, taken.target);
        memmove(lines, lines + len, have + 1 - len);
        have -= len;
    }
    return 1;
}

static void work_alone(void) {
    int epoll = S(epoll_create1)(EPOLL_CLOEXEC);
    if (epoll < 0 || control(epoll, EPOLL_CTL_ADD, 0, EPOLLIN, 0) != 0)
        die("epoll");
    for (;;) {
        struct epoll_event events[64];
        int i, ready = S(epoll_wait)(epoll, events, 64, -1);
        if (ready < 0 && errno != EINTR)
            die("epoll_wait");
        for (i = 0; i < ready; i++) {
            connection *c = events[i].data.ptr;
            if (c != NULL)
                move_on(epoll, c, events[i].events);
            else if (!take_orders(epoll))
                return;
        }
    }
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    trigger = argc == 2 && strcmp(argv[1], "edge") == 0 ? EPOLLET : 0;
    if (argc == 3)
        work_together(atoi(argv[2]));
    else
        work_alone();
    return 0;
}
