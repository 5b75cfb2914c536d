/* connects HOST PORT [HANDSHAKE TARGET PORT]: connects, shakes hands itself if it is told to, has one byte echoed on each
 * connection, and closes it. For each line "WAY COUNT THREADS" it prints the nanoseconds that COUNT of them took; or,
 * where the way is "byte", the median of one from the socket to the byte; or, with "cpu" at the end of the line, the
 * nanoseconds of processor time, with those of closing. */
#include "floor.h"

enum { PATIENCE = 120 };

static struct sockaddr_in target;
static struct script script;

static void one_after_another(long count)
{
    while (count-- > 0) {
        int fd = start_connect(&target, 0);

        follow(fd, &script);
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

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

static uint64_t to_a_byte(long count, long threads)
{
    uint64_t *spent = calloc((size_t)count, sizeof *spent), median;

    (void)threads;
    if (spent == NULL)
        die("calloc");
    for (long i = 0; i < count; i++) {
        uint64_t start = nanos(CLOCK_MONOTONIC);
        int fd = start_connect(&target, 0);

        follow(fd, &script);
        spent[i] = nanos(CLOCK_MONOTONIC) - start;
        drop_connection(fd);
    }
    qsort(spent, (size_t)count, sizeof *spent, compare);
    median = spent[count / 2];
    free(spent);
    return median;
}

/* How far a non-blocking connect has got. */
struct state {
    int begun;
    size_t flight, heard;
};

/* Does what can be done now, and returns what to wait for next: nothing when all is done. */
static short go_on(int fd, struct state *state)
{
    int error;
    socklen_t length = sizeof error;

    if (!state->begun) {
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
            die("getsockopt");
        if ((errno = error) != 0)
            die("connect");
        state->begun = 1;
        say(fd, &script.flights[0]);
    } else if (hear(fd, &script.flights[state->flight], &state->heard)) {
        state->heard = 0;
        if (++state->flight == script.count)
            return 0;
        say(fd, &script.flights[state->flight]);
    }
    return POLLIN;
}

static uint64_t by_poll(long count, long threads)
{
    struct pollfd *entries = calloc((size_t)count, sizeof *entries);
    struct state *states = calloc((size_t)count, sizeof *states);
    uint64_t start = nanos(CLOCK_MONOTONIC), spent;
    long left = count;

    (void)threads;
    if (entries == NULL || states == NULL)
        die("calloc");
    for (long i = 0; i < count; i++)
        entries[i] = (struct pollfd){start_connect(&target, SOCK_NONBLOCK), POLLOUT, 0};
    while (left > 0) {
        int ready = poll(entries, (nfds_t)count, -1);

        if (ready < 0 && errno != EINTR)
            die("poll");
        for (long i = 0; ready > 0 && i < count; i++) {
            if (entries[i].fd < 0 || entries[i].revents == 0)
                continue;
            ready--;
            entries[i].events = go_on(entries[i].fd, &states[i]);
            if (entries[i].events == 0) {
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
    free(states);
    return spent;
}

static uint64_t by_epoll(long count, long threads)
{
    int *fds = calloc((size_t)count, sizeof *fds), poller = epoll_create1(EPOLL_CLOEXEC);
    struct state *states = calloc((size_t)count, sizeof *states);
    uint64_t start = nanos(CLOCK_MONOTONIC), spent;
    long left = count;

    (void)threads;
    if (fds == NULL || states == NULL || poller < 0)
        die("epoll_create1");
    for (long i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLOUT, .data.u64 = (uint64_t)i};

        fds[i] = start_connect(&target, SOCK_NONBLOCK);
        if (epoll_ctl(poller, EPOLL_CTL_ADD, fds[i], &event) != 0)
            die("epoll_ctl");
    }
    while (left > 0) {
        struct epoll_event events[256];
        int ready = epoll_wait(poller, events, 256, -1);

        if (ready < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < ready; i++) {
            uint64_t which = events[i].data.u64;
            int fd = fds[which], begun = states[which].begun;
            short next = go_on(fd, &states[which]);

            if (next == 0) {
                if (epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL) != 0)
                    die("epoll_ctl");
                left--;
            } else if (!begun) {
                struct epoll_event event = {.events = EPOLLIN, .data.u64 = which};

                if (epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event) != 0)
                    die("epoll_ctl");
            }
        }
    }
    spent = nanos(CLOCK_MONOTONIC) - start;
    for (long i = 0; i < count; i++)
        drop_connection(fds[i]);
    close(poller);
    free(fds);
    free(states);
    return spent;
}

static const struct {
    const char *name;
    uint64_t (*run)(long count, long threads);
} ways[] = {{"byte", to_a_byte}, {"serial", serially}, {"threads", by_threads}, {"poll", by_poll}, {"epoll", by_epoll}};

int main(int argc, char **argv)
{
    char line[64], name[32], clock[8];
    long count, threads;

    if (argc < 3)
        return 2;
    end_with_parent();
    raise_limit();
    target = address(argv[1], argv[2]);
    script = handshake(argc - 3, argv + 3);
    then(&script, 0, "x", 1, "x", 1);
    while (fgets(line, sizeof line, stdin) != NULL) {
        uint64_t spent = 0, start = nanos(CLOCK_PROCESS_CPUTIME_ID);

        alarm(PATIENCE);
        clock[0] = '\0';
        if (sscanf(line, "%31s %ld %ld %7s", name, &count, &threads, clock) < 3 || count < 1 || threads < 1)
            return 2;
        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
            if (strcmp(ways[i].name, name) == 0)
                spent = ways[i].run(count, threads);
        if (spent == 0)
            return 2;
        if (strcmp(clock, "cpu") == 0)
            spent = nanos(CLOCK_PROCESS_CPUTIME_ID) - start;
        alarm(0);
        printf("%llu\n", (unsigned long long)spent);
        fflush(stdout);
    }
    return 0;
}
