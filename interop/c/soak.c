#include "soak.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "soak_watch.h"

enum { SAMPLES = 50, REASONS = 20, ADDRESSES = 4, HEADER = 8, SMALL = 200, MEDIUM = 4000, LARGE = 40000 };

static uint64_t connections;
static atomic_ullong next_number, fates[FATES], reasons;
static unsigned first_port, ports, closed_port;
static const char *name;
static char **addresses;
static unsigned address_count;

static void refuse(const char *what)
{
    perror(what);
    exit(2);
}

/* splitmix64 */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t total(void)
{
    uint64_t sum = 0;

    for (int fate = 0; fate < FATES; fate++)
        sum += atomic_load(&fates[fate]);
    return sum;
}

static void sample(const char *what)
{
    unsigned long long counts[FATES];

    for (int fate = 0; fate < FATES; fate++)
        counts[fate] = atomic_load(&fates[fate]);
    print_sample(what, counts, FATES);
}

void soak_begin(int argc, char **argv, unsigned at_once)
{
    struct rlimit limit;

    if (argc < 7 || argc > 6 + ADDRESSES) {
        fprintf(stderr, "usage: %s CONNECTIONS PORT PORTS CLOSED_PORT NAME ADDRESS...\n", argv[0]);
        exit(2);
    }
    connections = strtoull(argv[1], NULL, 10);
    first_port = (unsigned)atoi(argv[2]);
    ports = (unsigned)atoi(argv[3]);
    closed_port = (unsigned)atoi(argv[4]);
    name = argv[5];
    addresses = argv + 6;
    address_count = (unsigned)argc - 6;
    /* Each socket may have a duplicate for a moment, and one of another family in its place. */
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        refuse("getrlimit");
    limit.rlim_cur = 3 * at_once + 32;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        refuse("setrlimit");
    start_watchdog(at_once, total);
    sample("begin");
}

int soak_end(void)
{
    sample("end");
    return atomic_load(&fates[FAILED]) == 0 && total() == connections ? 0 : 1;
}

static int set_address(struct plan *plan, const char *text, unsigned port)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&plan->to;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&plan->to;

    memset(&plan->to, 0, sizeof plan->to);
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons((uint16_t)port);
        plan->to_length = sizeof *in;
    } else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((uint16_t)port);
        plan->to_length = sizeof *in6;
    } else {
        return -1;
    }
    return 0;
}

static int resolve(struct plan *plan, unsigned port)
{
    struct addrinfo hints, *found;
    char text[8];

    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    snprintf(text, sizeof text, "%u", port);
    if (getaddrinfo(name, text, &hints, &found) != 0)
        return -1;
    memcpy(&plan->to, found->ai_addr, found->ai_addrlen);
    plan->to_length = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static uint32_t message_length(uint64_t bits)
{
    unsigned kind = bits % 32;

    bits /= 32;
    if (kind == 0)
        return HEADER + (uint32_t)(bits % LARGE);
    return HEADER + (uint32_t)(bits % (kind < 5 ? MEDIUM : SMALL));
}

int next_plan(struct plan *plan)
{
    for (;;) {
        uint64_t number = atomic_fetch_add(&next_number, 1), bits = mix(number);
        unsigned port;

        if (number >= connections)
            return 0;
        plan->number = number;
        plan->end = (enum end)(bits % END_COUNT);
        plan->choice = (unsigned)(bits >> 8) % 8;
        plan->duplicated = (bits >> 16) % 8 == 0;
        plan->abandoned = (bits >> 24) % 16 == 0;
        plan->refused = (bits >> 32) % 32 == 0;
        plan->by_name = (bits >> 40) % 16 == 0;
        plan->length = message_length(mix(bits));
        port = plan->refused ? closed_port : first_port + (unsigned)(number % ports);
        if (plan->by_name ? resolve(plan, port) == 0
                          : set_address(plan, addresses[(bits >> 48) % address_count], port) == 0)
            return 1;
        failed(plan, plan->by_name ? "getaddrinfo" : "inet_pton", errno);
    }
}

void done(const struct plan *plan, enum fate fate)
{
    uint64_t so_far;

    (void)plan;
    atomic_fetch_add(&fates[fate], 1);
    so_far = total();
    if (crosses(so_far, connections, SAMPLES))
        sample("sample");
}

void failed(const struct plan *plan, const char *what, int error)
{
    if (atomic_fetch_add(&reasons, 1) < REASONS)
        fprintf(stderr, "connection %llu%s%s%s%s, end %d, choice %u: %s%s%s\n", (unsigned long long)plan->number,
                plan->by_name ? ", by name" : "", plan->refused ? ", to be refused" : "",
                plan->abandoned ? ", to be abandoned" : "", plan->duplicated ? ", duplicated" : "", (int)plan->end,
                plan->choice, what, error ? ": " : "", error ? strerror(error) : "");
    done(plan, FAILED);
}

void content(const struct plan *plan, uint32_t position, unsigned char *bytes, uint32_t length)
{
    /* What the target has to know: how long it is, and whether to close first. */
    const unsigned char header[HEADER] = {
        (unsigned char)(plan->length >> 24), (unsigned char)(plan->length >> 16), (unsigned char)(plan->length >> 8),
        (unsigned char)plan->length,         plan->end == END_THEIRS,
    };
    uint64_t word = 0, at = UINT64_MAX;

    for (uint32_t i = 0; i < length; i++, position++) {
        if (position < HEADER) {
            bytes[i] = header[position];
            continue;
        }
        if (at != position / 8)
            word = mix(plan->number << 16 ^ (at = position / 8));
        bytes[i] = (unsigned char)(word >> position % 8 * 8);
    }
}

int plan_socket(const struct plan *plan, int flags)
{
    int fd = socket(plan->to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

    if (fd < 0)
        failed(plan, "socket", errno);
    return fd;
}

int duplicate(const struct plan *plan, int fd)
{
    int copy = plan->choice % 2 ? dup(fd) : fcntl(fd, F_DUPFD_CLOEXEC, 0), error = errno;

    close(fd);
    if (copy < 0)
        failed(plan, "dup", error);
    return copy;
}

int has_right_peer(const struct plan *plan, int fd)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;

    memset(&peer, 0, sizeof peer);
    if (getpeername(fd, (struct sockaddr *)&peer, &length) != 0) {
        failed(plan, "getpeername", errno);
        return 0;
    }
    if (length != plan->to_length || memcmp(&peer, &plan->to, length) != 0) {
        failed(plan, "getpeername is not the target", 0);
        return 0;
    }
    return 1;
}

int end_connection(const struct plan *plan, int fd)
{
    struct linger now = {1, 0};

    if (plan->end == END_RESET && setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) != 0) {
        failed(plan, "SO_LINGER", errno);
        close(fd);
        return 0;
    }
    if (close(fd) != 0) {
        failed(plan, "close", errno);
        return 0;
    }
    return 1;
}
