/* memory HOST PORT COUNT: prints the kB of memory, resident and its own, of this process at its start; "begun", once the first
 * of COUNT non-blocking connects is on its way; and the memory again, when all are, watched by an epoll. */
#include "bench.h"

struct memory {
    long resident, own;
};

static long field(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    return at == NULL ? 0 : atol(at + strlen(name));
}

static struct memory now(void)
{
    char text[4096];
    int fd = open("/proc/self/smaps_rollup", O_RDONLY);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

    if (length <= 0)
        die("/proc/self/smaps_rollup");
    close(fd);
    text[length] = '\0';
    return (struct memory){field(text, "Rss:"), field(text, "Anonymous:")};
}

static void say(struct memory memory)
{
    printf("%ld %ld\n", memory.resident, memory.own);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct memory before = now();
    struct epoll_event events[64];
    struct sockaddr_in to;
    int poller;
    long count;

    if (argc != 4)
        return 2;
    end_with_parent();
    alarm(120);
    raise_limit();
    say(before);
    to = address(argv[1], argv[2]);
    count = atol(argv[3]);
    poller = epoll_create1(EPOLL_CLOEXEC);
    for (long i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLOUT | EPOLLET};

        event.data.fd = start_connect(&to, SOCK_NONBLOCK);
        if (epoll_ctl(poller, EPOLL_CTL_ADD, event.data.fd, &event) != 0)
            die("epoll_ctl");
        if (i == 0) {
            puts("begun");
            fflush(stdout);
        }
    }
    /* So many that each had its turn, wherever it has got to by then. */
    for (long i = 0; i <= count / 16; i++)
        if (epoll_wait(poller, events, 64, 0) < 0 && errno != EINTR)
            die("epoll_wait");
    say(now());
    return 0;
}
