/* What a library in front of libc's cannot see: calls that do not pass through libc, and packets that nobody sends. */

#include "leak.h"

#include <dlfcn.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/syscall.h>

/* For the program that is linked statically. */
static void plain(void)
{
    struct sockaddr_in at = v4("10.77.2.2", 9);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    tell("sendto", sendto(fd, "a", 1, 0, (struct sockaddr *)&at, sizeof at));
}

#ifdef __x86_64__
static long kernel(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* A system call of the program's own. */
static void own_system_calls(void)
{
    struct sockaddr_in at = v4("10.77.2.2", 9);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    long outcome = kernel(SYS_sendto, fd, (long)"a", 1, 0, (long)&at, sizeof at);

    printf("sendto: %ld\n", outcome);
}
#endif

#ifndef STATIC
/* libc's own function, asked for by its library. */
static void by_handle(void)
{
    struct sockaddr_in at = v4("10.77.2.2", 9);
    void *libc = dlopen("libc.so.6", RTLD_NOW);
    ssize_t (*send_it)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) = NULL;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    if (libc != NULL)
        *(void **)&send_it = dlsym(libc, "sendto");
    if (send_it == NULL)
        exit(2);
    tell("sendto", send_it(fd, "a", 1, 0, (struct sockaddr *)&at, sizeof at));
}
#endif

/* The kernel tells the network who joins a group. */
static void join(void)
{
    struct ip_mreqn group;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    memset(&group, 0, sizeof group);
    inet_pton(AF_INET, "239.255.255.250", &group.imr_multiaddr);
    group.imr_ifindex = (int)if_nametoindex("to-proxy");
    tell("IP_ADD_MEMBERSHIP", setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group));
}

/* Frames, for who may send them. */
static void frame(void)
{
    /* IPv4 with nothing in it, to 10.77.2.2. */
    static const char header[] = "\x45\0\0\x14\0\0\0\0\x40\xfd\0\0\x0a\x4d\1\1\x0a\x4d\2\2";
    struct sockaddr_ll at;
    int fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP));

    memset(&at, 0, sizeof at);
    at.sll_family = AF_PACKET;
    at.sll_protocol = htons(ETH_P_IP);
    at.sll_ifindex = (int)if_nametoindex("to-proxy");
    at.sll_halen = 6;
    memset(at.sll_addr, 0xff, 6);
    tell("sendto", sendto(fd, header, sizeof header - 1, 0, (struct sockaddr *)&at, sizeof at));
}

const struct trial trials[] = {
    {"plain", plain},
#ifdef __x86_64__
    {"own system calls", own_system_calls},
#endif
#ifndef STATIC
    {"by handle", by_handle},
#endif
    {"join", join},
    {"frame", frame},
    {NULL, NULL},
};
