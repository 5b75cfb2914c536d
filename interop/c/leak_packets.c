/* Every way to send something that is not a TCP connection, and sockets that are no usual ones. */

#include "leak.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

static const char query[] = "\0\1\1\0\0\1\0\0\0\0\0\0\6target\7interop\7example\0\0\1\0\1";

/* Sends to an address in each of the ways there are. */
static void send_to(const char *what, int kind, int protocol, const void *at, socklen_t len)
{
    const struct sockaddr *to = at;
    struct iovec part = {(void *)query, sizeof query};
    struct msghdr message = {.msg_name = (void *)at, .msg_namelen = len, .msg_iov = &part, .msg_iovlen = 1};
    struct mmsghdr several[2] = {{.msg_hdr = message}, {.msg_hdr = message}};
    int family = to->sa_family ? to->sa_family : AF_INET, fd = socket(family, kind, protocol), on = 1;

    if (fd < 0) {
        tell(what, fd);
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
    printf("%s\n", what);
    tell("  sendto", sendto(fd, query, sizeof query, 0, to, len));
    tell("  sendto, confirm", sendto(fd, query, sizeof query, MSG_CONFIRM | MSG_DONTWAIT, to, len));
    tell("  sendmsg", sendmsg(fd, &message, 0));
    tell("  sendmmsg", sendmmsg(fd, several, 2, 0));
    tell("  syscall sendto", syscall(SYS_sendto, fd, query, sizeof query, 0, to, len));
    tell("  syscall sendmsg", syscall(SYS_sendmsg, fd, &message, 0));
    tell("  syscall sendmmsg", syscall(SYS_sendmmsg, fd, several, 2, 0));
    tell("  more", sendto(fd, query, sizeof query, MSG_MORE, to, len));
    if (tell("  connect", connect(fd, to, len)) == 0) {
        tell("  send", send(fd, query, sizeof query, 0));
        tell("  write", write(fd, query, sizeof query));
        tell("  writev", writev(fd, &part, 1));
    }
    if (tell("  syscall connect", syscall(SYS_connect, fd, to, len)) == 0)
        tell("  send", send(fd, query, sizeof query, 0));
    close(fd);
}

static void datagrams(void)
{
    static const char *const places[] = {"10.77.3.53", "10.77.2.2", "10.77.1.2", "192.0.2.1", "224.0.0.251",
                                         "239.255.255.250", "255.255.255.255", "10.77.1.255", "198.18.0.1",
                                         "198.19.255.255"};
    static const char *const places6[] = {"fd77:2::2", "fd77:1::2", "2001:db8::1", "::ffff:10.77.3.53"};
    static const int ports[] = {53, 9, 5353, 443, 0};
    char what[64];
    size_t i, j;

    for (i = 0; i < sizeof places / sizeof *places; i++)
        for (j = 0; j < sizeof ports / sizeof *ports; j++) {
            struct sockaddr_in at = v4(places[i], ports[j]);
            snprintf(what, sizeof what, "%s:%d", places[i], ports[j]);
            send_to(what, SOCK_DGRAM, 0, &at, sizeof at);
        }
    for (i = 0; i < sizeof places6 / sizeof *places6; i++)
        for (j = 0; j < sizeof ports / sizeof *ports; j++) {
            struct sockaddr_in6 at = v6(places6[i], ports[j]);
            snprintf(what, sizeof what, "[%s]:%d", places6[i], ports[j]);
            send_to(what, SOCK_DGRAM, 0, &at, sizeof at);
            /* As long as it was at first (RFC 2133). */
            send_to(what, SOCK_DGRAM, 0, &at, 24);
        }
}

static void multicast(void)
{
    static const char *const places[] = {"ff02::fb", "ff02::1:3", "ff05::2"};
    size_t i;

    for (i = 0; i < sizeof places / sizeof *places; i++) {
        struct sockaddr_in6 at = v6(places[i], 5353);
        at.sin6_scope_id = if_nametoindex("to-proxy");
        send_to(places[i], SOCK_DGRAM, 0, &at, sizeof at);
    }
}

/* Addresses that the kernel takes for more than they say. */
static void odd_addresses(void)
{
    struct sockaddr_in at = v4("10.77.3.53", 53);
    struct sockaddr_in6 mapped = v6("::ffff:10.77.2.2", atoi(port)), short6 = v6("fd77:2::2", atoi(port));
    struct sockaddr_storage room;
    int fd;

    /* To UDP that is IPv4. */
    at.sin_family = AF_UNSPEC;
    send_to("no family", SOCK_DGRAM, 0, &at, sizeof at);
    send_to("no family, raw", SOCK_RAW, IPPROTO_UDP, &at, sizeof at);
    at = v4("10.77.3.53", 53);
    memset(&room, 0, sizeof room);
    memcpy(&room, &at, sizeof at);
    send_to("a long address", SOCK_DGRAM, 0, &room, sizeof room);
    /* An IPv4 address for an IPv6 socket. */
    fd = socket(AF_INET6, SOCK_DGRAM, 0);
    tell("IPv4 by an IPv6 socket", sendto(fd, query, sizeof query, 0, (struct sockaddr *)&at, sizeof at));
    tell("connected", connect(fd, (struct sockaddr *)&at, sizeof at));
    close(fd);
    at = v4(ip, atoi(port));
    fd = socket(AF_INET6, SOCK_STREAM, 0);
    tell("a stream, IPv4 by an IPv6 socket", connect(fd, (struct sockaddr *)&at, sizeof at));
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    tell("IPv6 by an IPv4 socket", connect(fd, (struct sockaddr *)&mapped, sizeof mapped));
    tell("an address without end", connect(fd, (struct sockaddr *)&at, 12));
    tell("syscall", syscall(SYS_connect, fd, &mapped, sizeof mapped));
    close(fd);
    printf("a short address: %d\n", fetch_from((struct sockaddr *)&short6, 24));
    printf("a mapped address: %d\n", fetch_from((struct sockaddr *)&mapped, 24));
    /* One that goes nowhere first, and then out. */
    at = v4("127.0.0.1", 9);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    tell("connected to the loopback", connect(fd, (struct sockaddr *)&at, sizeof at));
    at = v4("10.77.2.2", 9);
    tell("and sent elsewhere", sendto(fd, query, sizeof query, 0, (struct sockaddr *)&at, sizeof at));
    tell("by write", write(fd, query, sizeof query));
    close(fd);
}

/* Sockets that are neither UDP nor TCP. */
static void odd_sockets(void)
{
    struct sockaddr_in at = v4("10.77.2.2", 9);
    struct sockaddr_in6 at6 = v6("fd77:2::2", 9);
    int fd, on = 1;

    send_to("ping socket", SOCK_DGRAM, IPPROTO_ICMP, &at, sizeof at);
    send_to("raw ICMP", SOCK_RAW, IPPROTO_ICMP, &at, sizeof at);
    send_to("raw, with header", SOCK_RAW, IPPROTO_RAW, &at, sizeof at);
    send_to("UDP-Lite", SOCK_DGRAM, IPPROTO_UDPLITE, &at, sizeof at);
    send_to("SCTP", SOCK_STREAM, IPPROTO_SCTP, &at, sizeof at);
    send_to("SCTP, packets", SOCK_SEQPACKET, IPPROTO_SCTP, &at, sizeof at);
    send_to("DCCP", SOCK_DCCP, IPPROTO_DCCP, &at, sizeof at);
    at6.sin6_port = 0;
    send_to("raw ICMPv6", SOCK_RAW, IPPROTO_ICMPV6, &at6, sizeof at6);
    at = v4(ip, atoi(port));
    fd = socket(AF_INET, SOCK_STREAM, 262);
    if (tell("MPTCP", fd) >= 0)
        tell("  connect", connect(fd, (struct sockaddr *)&at, sizeof at));
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    tell("fast open", sendto(fd, query, sizeof query, MSG_FASTOPEN, (struct sockaddr *)&at, sizeof at));
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    tell("syscall, fast open",
         syscall(SYS_sendto, fd, query, sizeof query, MSG_FASTOPEN, (struct sockaddr *)&at, sizeof at));
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    tell("TCP_FASTOPEN_CONNECT", setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on));
    tell("  connect", connect(fd, (struct sockaddr *)&at, sizeof at));
    close(fd);
}

/* An io_uring would connect in the kernel. */
static void ring(void)
{
    struct io_uring_params parameters;

    memset(&parameters, 0, sizeof parameters);
    tell("io_uring_setup", syscall(SYS_io_uring_setup, 4, &parameters));
}

static int count_good(int children)
{
    int good = 0, status;

    while (children-- > 0)
        if (wait(&status) > 0 && WIFEXITED(status))
            good += WEXITSTATUS(status);
    return good;
}

/* Two hundred children that look up and connect at once, each a name of its own besides. */
static void storm(void)
{
    int child;

    for (child = 0; child < 200; child++)
        if (fork() == 0) {
            char own[64];
            struct addrinfo *list = NULL;
            int came = fetch_both(), astray = 0;
            snprintf(own, sizeof own, "child%d.interop.example", child);
            if (getaddrinfo(own, port, NULL, &list) == 0)
                astray = fetch_from(list->ai_addr, list->ai_addrlen);
            _exit(came == 2 && !astray);
        }
    printf("%d of 200 children came through\n", count_good(200));
}

/* The same with every number of descriptors left from none on. */
static void descriptors(void)
{
    int left;

    for (left = 0; left < 12; left++) {
        fflush(stdout);
        if (fork() == 0) {
            struct rlimit limit = {(rlim_t)(3 + left), (rlim_t)(3 + left)};
            if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
                _exit(0);
            printf("%d left: %d of 2 pages\n", left, fetch_both());
            fflush(stdout);
            _exit(1);
        }
        if (count_good(1) != 1)
            exit(2);
    }
    /* A socket is there, and no descriptor more. */
    if (fork() == 0) {
        struct sockaddr_in at = v4(ip, atoi(port));
        int fd = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
        struct rlimit limit = {0, 0};
        setrlimit(RLIMIT_NOFILE, &limit);
        tell("connect without descriptors", connect(fd, (struct sockaddr *)&at, sizeof at));
        at = v4("10.77.3.53", 53);
        tell("sendto without descriptors", sendto(udp, query, sizeof query, 0, (struct sockaddr *)&at, sizeof at));
        fetch_both();
        fflush(stdout);
        _exit(1);
    }
    count_good(1);
}

/* A program that clears its environment before it does anything else. */
static void clear_environment(void)
{
    struct addrinfo *list;

    clearenv();
    printf("%d of 2 pages\n", fetch_both());
    look_up("cleared.interop.example", AF_UNSPEC, 0, &list);
}

/* One that changes to another directory and root, where there is no file of ours. */
static void change_root(void)
{
    char folder[] = "/tmp/leak-root-XXXXXX";
    struct addrinfo *list;

    if (mkdtemp(folder) == NULL)
        exit(2);
    tell("chroot", chroot(folder));
    tell("chdir", chdir("/"));
    printf("%d of 2 pages\n", fetch_both());
    look_up("rooted.interop.example", AF_UNSPEC, 0, &list);
}

/* One that becomes another user, who may not read our files. */
static void change_user(void)
{
    struct addrinfo *list;

    tell("setgid", setgid(65534));
    tell("setuid", setuid(65534));
    printf("%d of 2 pages\n", fetch_both());
    look_up("another.interop.example", AF_UNSPEC, 0, &list);
}

static unsigned long address_space(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL || fscanf(file, "%lu", &pages) != 1)
        exit(2);
    fclose(file);
    return pages * (unsigned long)sysconf(_SC_PAGESIZE);
}

/* The same with every amount of memory left: what a limit leaves, and nothing at all. */
static void memory(void)
{
    int shift;

    for (shift = 27; shift >= 11; shift--) {
        fflush(stdout);
        if (fork() == 0) {
            rlim_t most = address_space() + (shift > 11 ? 1UL << shift : 0);
            struct rlimit limit = {most, most};
            struct sockaddr_in at = v4("10.77.3.53", 53);
            int udp = socket(AF_INET, SOCK_DGRAM, 0), count;
            if (setrlimit(RLIMIT_AS, &limit) != 0)
                _exit(0);
            if (shift < 20) {
                size_t size;
                /* Nor is there any in the heap. */
                for (size = 1 << 20; size >= 16; size /= 2)
                    while (malloc(size) != NULL)
                        ;
            }
            count = fetch_both();
            tell("sendto", sendto(udp, query, sizeof query, 0, (struct sockaddr *)&at, sizeof at));
            printf("2^%d bytes left: %d of 2 pages\n", shift, count);
            fflush(stdout);
            _exit(1);
        }
        if (count_good(1) != 1)
            printf("2^%d bytes left: it ended\n", shift);
    }
}

const struct trial trials[] = {
    {"datagrams", datagrams},
    {"multicast", multicast},
    {"odd addresses", odd_addresses},
    {"odd sockets", odd_sockets},
    {"io_uring", ring},
    {"storm", storm},
    {"descriptors", descriptors},
    {"memory", memory},
    {"clear environment", clear_environment},
    {"change root", change_root},
    {"change user", change_user},
    {NULL, NULL},
};
