/* calls HOST PORT STATE [HELD]: what a call costs in a process that holds nothing, or so many connected or pending
 * sockets, one unless told. For each line "NAME COUNT" it makes the call so often, and prints the nanoseconds of
 * processor time of one. */
#include "bench.h"

enum { BATCH = 128, PATIENCE = 120 };

static int zero, null, quiet[2], local, poller, held = -1;
static struct sockaddr_un nobody;

static int one_select(void)
{
    fd_set read_set;
    struct timeval now = {0, 0};

    FD_ZERO(&read_set);
    FD_SET(quiet[0], &read_set);
    return select(quiet[0] + 1, &read_set, NULL, NULL, &now);
}

static int one_poll(int fd)
{
    struct pollfd entry = {fd, POLLIN, 0};

    return poll(&entry, 1, 0);
}

static int one_epoll_wait(void)
{
    struct epoll_event event;

    return epoll_wait(poller, &event, 1, 0);
}

static int one_getsockopt(void)
{
    int type;
    socklen_t length = sizeof type;

    return getsockopt(local, SOL_SOCKET, SO_TYPE, &type, &length);
}

/* A call that says anything else than expected is not the one to measure. */
#define CALL(NAME, EXPECTED, EXPRESSION)                               \
    static uint64_t NAME(long count)                                   \
    {                                                                  \
        char byte = 0;                                                 \
        long sum = 0;                                                  \
        uint64_t start = nanos(CLOCK_THREAD_CPUTIME_ID), end;          \
                                                                       \
        for (long i = 0; i < count; i++)                               \
            sum += (EXPRESSION);                                       \
        end = nanos(CLOCK_THREAD_CPUTIME_ID);                          \
        (void)byte;                                                    \
        if (sum != count * (EXPECTED))                                 \
            die(#NAME);                                                \
        return end - start;                                            \
    }

CALL(call_read, 1, read(zero, &byte, 1))
CALL(call_write, 1, write(null, &byte, 1))
CALL(call_poll, 0, one_poll(quiet[0]))
CALL(call_select, 0, one_select())
CALL(call_epoll_wait, 0, one_epoll_wait())
CALL(call_getsockopt, 0, one_getsockopt())
CALL(call_open_close, 0, close(open("/dev/null", O_RDONLY | O_CLOEXEC)))
CALL(call_fcntl, 0, fcntl(zero, F_GETFD))
CALL(call_connect, -1, connect(local, (struct sockaddr *)&nobody, sizeof nobody))
CALL(own_read, -1, read(held, &byte, 1))
CALL(own_write, 0, write(held, &byte, 0))
CALL(own_poll, 0, one_poll(held))

/* These two in turns, as one undoes the other. */
static uint64_t dup_and_close(long count, int is_close)
{
    uint64_t spent = 0;

    for (long done = 0; done < count; done += BATCH) {
        int fds[BATCH];
        uint64_t start = nanos(CLOCK_THREAD_CPUTIME_ID), middle, end;

        for (int i = 0; i < BATCH; i++)
            if ((fds[i] = dup(quiet[0])) < 0)
                die("dup");
        middle = nanos(CLOCK_THREAD_CPUTIME_ID);
        for (int i = 0; i < BATCH; i++)
            if (close(fds[i]) != 0)
                die("close");
        end = nanos(CLOCK_THREAD_CPUTIME_ID);
        spent += is_close ? end - middle : middle - start;
    }
    return spent;
}

static uint64_t call_dup(long count) { return dup_and_close(count, 0); }
static uint64_t call_close(long count) { return dup_and_close(count, 1); }

static const struct {
    const char *name;
    uint64_t (*run)(long count);
} calls[] = {
    {"close", call_close}, {"read", call_read}, {"write", call_write}, {"poll", call_poll}, {"select", call_select},
    {"epoll_wait", call_epoll_wait}, {"getsockopt", call_getsockopt}, {"connect", call_connect}, {"fcntl", call_fcntl},
    {"dup", call_dup}, {"open+close", call_open_close}, {"own-read", own_read}, {"own-write", own_write}, {"own-poll", own_poll},
};

/* All take turns on one processor, so that none has the better one. */
static void stay(void)
{
    cpu_set_t may, only;
    int last = 0;

    if (sched_getaffinity(0, sizeof may, &may) != 0)
        die("sched_getaffinity");
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &may))
            last = i;
    CPU_ZERO(&only);
    CPU_SET(last, &only);
    if (sched_setaffinity(0, sizeof only, &only) != 0)
        die("sched_setaffinity");
}

/* Whoever ends with ten thousand sockets leaves none of them in TIME_WAIT. */
static void hold(const struct sockaddr_in *to, int pending, long count)
{
    struct linger now = {1, 0};

    for (long i = 0; i < count; i++) {
        held = start_connect(to, pending ? SOCK_NONBLOCK : 0);
        if (pending)
            one_poll(held);
        else if (fcntl(held, F_SETFL, O_NONBLOCK) != 0)
            die("fcntl");
        if (setsockopt(held, SOL_SOCKET, SO_LINGER, &now, sizeof now) != 0)
            die("setsockopt");
    }
}

int main(int argc, char **argv)
{
    struct epoll_event event = {.events = EPOLLIN};
    char line[64], name[32];
    long count;
    struct sockaddr_in to;

    if (argc != 4 && argc != 5)
        return 2;
    end_with_parent();
    stay();
    raise_limit();
    zero = open("/dev/zero", O_RDONLY);
    null = open("/dev/null", O_WRONLY);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (zero < 0 || null < 0 || poller < 0 || pipe(quiet) != 0 ||
        epoll_ctl(poller, EPOLL_CTL_ADD, quiet[0], &event) != 0)
        die("open");
    /* Nobody has this name. A datagram socket, as to connect one of these takes the kernel little else. */
    local = socket(AF_UNIX, SOCK_DGRAM, 0);
    nobody.sun_family = AF_UNIX;
    snprintf(nobody.sun_path + 1, sizeof nobody.sun_path - 1, "libsocks-bench-%d", (int)getpid());
    if (local < 0)
        die("socket");
    to = address(argv[1], argv[2]);
    alarm(PATIENCE);
    if (strcmp(argv[3], "nothing") != 0)
        hold(&to, strcmp(argv[3], "pending") == 0, argc == 5 ? atol(argv[4]) : 1);
    alarm(0);
    while (fgets(line, sizeof line, stdin) != NULL) {
        uint64_t spent = 0;
        size_t i, known = sizeof calls / sizeof *calls;

        if (sscanf(line, "%31s %ld", name, &count) != 2 || count < 1)
            return 2;
        for (i = 0; i < known && strcmp(calls[i].name, name) != 0; i++)
            ;
        if (i == known)
            return 2;
        count = (count + BATCH - 1) / BATCH * BATCH;
        spent = calls[i].run(count);
        printf("%.3f\n", (double)spent / (double)count);
        fflush(stdout);
    }
    return 0;
}
