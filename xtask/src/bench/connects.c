/* connects HOST PORT: connects, has one byte echoed on each connection, and closes it.
 * For each line "WAY COUNT THREADS" it prints the nanoseconds that COUNT of them took. */
#include "bench.h"

enum { PATIENCE = 120 };

static struct sockaddr_in target;

static void send_one(int fd)
{
    if (send(fd, "x", 1, MSG_NOSIGNAL) != 1)
        die("send");
}

static void receive_one(int fd)
{
    char byte;

    if (recv(fd, &byte, 1, 0) != 1 || byte != 'x')
        die("recv");
}

static void one_after_another(long count)
{
    while (count-- > 0) {
        int fd = start_connect(&target, 0);

        send_one(fd);
        receive_one(fd);
        drop_connection(fd);
    }
}

static void *in_thread(void *count)
{
    one_after_another((long)(intptr_t)count);
    return NULL;
}

static uint64_t by_threads(long count, long threads)
{
    pthread_t *ids = calloc((size_t)threads, sizeof *ids);
    uint64_t start = nanos(CLOCK_MONOTONIC);

    if (ids == NULL)
        die("calloc");
    for (long i = 0; i < threads; i++)
        if (pthread_create(&ids[i], NULL, in_thread, (void *)(intptr_t)(count / threads)) != 0)
            die("pthread_create");
    for (long i = 0; i < threads; i++)
        if (pthread_join(ids[i], NULL) != 0)
            die("pthread_join");
    free(ids);
    return nanos(CLOCK_MONOTONIC) - start;
}

static uint64_t serially(long count, long threads)
{
    uint64_t start = nanos(CLOCK_MONOTONIC);

    (void)threads;
    one_after_another(count);
    return nanos(CLOCK_MONOTONIC) - start;
}

static void connected(int fd)
{
    int error;
    socklen_t length = sizeof error;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        die("getsockopt");
    if ((errno = error) != 0)
        die("connect");
    send_one(fd);
}

static uint64_t by_poll(long count, long threads)
{
    struct pollfd *entries = calloc((size_t)count, sizeof *entries);
    uint64_t start = nanos(CLOCK_MONOTONIC), spent;
    long left = count;

    (void)threads;
    if (entries == NULL)
        die("calloc");
    for (long i = 0; i < count; i++)
        entries[i] = (struct pollfd){start_connect(&target, SOCK_NONBLOCK), POLLOUT, 0};
    while (left > 0) {
        if (poll(entries, (nfds_t)count, -1) < 0)
            die("poll");
        for (long i = 0; i < count; i++) {
            if (entries[i].revents == 0)
                continue;
            if (entries[i].events == POLLOUT) {
                connected(entries[i].fd);
                entries[i].events = POLLIN;
            } else {
                receive_one(entries[i].fd);
                /* Done: poll passes over it. */
                entries[i].fd = ~entries[i].fd;
                left--;
            }
        }
    }
    spent = nanos(CLOCK_MONOTONIC) - start;
    for (long i = 0; i < count; i++)
        drop_connection(~entries[i].fd);
    free(entries);
    return spent;
}

static uint64_t by_epoll(long count, long threads)
{
    int *fds = calloc((size_t)count, sizeof *fds), poller = epoll_create1(EPOLL_CLOEXEC);
    uint64_t start = nanos(CLOCK_MONOTONIC), spent;
    long left = count;

    (void)threads;
    if (fds == NULL || poller < 0)
        die("epoll_create1");
    for (long i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLOUT};

        fds[i] = start_connect(&target, SOCK_NONBLOCK);
        event.data.fd = fds[i];
        if (epoll_ctl(poller, EPOLL_CTL_ADD, fds[i], &event) != 0)
            die("epoll_ctl");
    }
    while (left > 0) {
        struct epoll_event events[256];
        int ready = epoll_wait(poller, events, 256, -1);

        if (ready < 0)
            die("epoll_wait");
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;

            if (events[i].events & EPOLLOUT) {
                struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

                connected(fd);
                if (epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event) != 0)
                    die("epoll_ctl");
            } else {
                receive_one(fd);
                if (epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL) != 0)
                    die("epoll_ctl");
                left--;
            }
        }
    }
    spent = nanos(CLOCK_MONOTONIC) - start;
    for (long i = 0; i < count; i++)
        drop_connection(fds[i]);
    close(poller);
    free(fds);
    return spent;
}

static const struct {
    const char *name;
    uint64_t (*run)(long count, long threads);
} ways[] = {{"serial", serially}, {"threads", by_threads}, {"poll", by_poll}, {"epoll", by_epoll}};

int main(int argc, char **argv)
{
    char line[64], name[32];
    long count, threads;

    if (argc != 3)
        return 2;
    raise_limit();
    target = address(argv[1], argv[2]);
    while (fgets(line, sizeof line, stdin) != NULL) {
        uint64_t spent = 0;

        alarm(PATIENCE);
        if (sscanf(line, "%31s %ld %ld", name, &count, &threads) != 3 || count < 1 || threads < 1)
            return 2;
        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
            if (strcmp(ways[i].name, name) == 0)
                spent = ways[i].run(count, threads);
        if (spent == 0)
            return 2;
        alarm(0);
        printf("%llu\n", (unsigned long long)spent);
        fflush(stdout);
    }
    return 0;
}
