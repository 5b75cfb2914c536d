/* dns remote: names that the proxy resolves, in one process and across several. */
#include "victim.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const char *gai_name(int error) {
    switch (error) {
    case 0:
        return "0";
    case EAI_FAIL:
        return "EAI_FAIL";
    case EAI_NODATA:
        return "EAI_NODATA";
    case EAI_NONAME:
        return "EAI_NONAME";
    case EAI_OVERFLOW:
        return "EAI_OVERFLOW";
    default:
        return gai_strerror(error);
    }
}

static int stands_for_a_name(const address *at) {
    unsigned char first[2];
    const unsigned char *octets = (const unsigned char *)&at->u.v4.sin_addr;
    if (at->u.any.sa_family == AF_INET6)
        octets = (const unsigned char *)&at->u.v6.sin6_addr + 12;
    memcpy(first, octets, 2);
    return first[0] == 198 && (first[1] == 18 || first[1] == 19);
}

/* The first address of a name, told about in words. */
static address resolve(const char *name, const char *port, int family, int flags) {
    struct addrinfo hints, *list = NULL;
    address found;
    int error;
    memset(&hints, 0, sizeof hints);
    memset(&found, 0, sizeof found);
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags;
    error = S(getaddrinfo)(name, port, &hints, &list);
    printf("%.40s: %s", name, gai_name(error));
    if (error == 0) {
        memcpy(&found.u, list->ai_addr, list->ai_addrlen);
        found.len = list->ai_addrlen;
        printf(", %s%s%s%s", list->ai_family == AF_INET ? "IPv4" : "IPv6",
               stands_for_a_name(&found) ? ", stands for a name" : "", list->ai_canonname ? ", " : "",
               list->ai_canonname ? list->ai_canonname : "");
        freeaddrinfo(list);
    }
    puts("");
    return found;
}

static void tell_name(const char *what, const address *at, size_t room, int flags) {
    char host[256] = "", service[32] = "";
    int error = S(getnameinfo)(&at->u.any, at->len, host, (socklen_t)room, service, sizeof service, flags);
    printf("%s: %s%s%s\n", what, gai_name(error), error ? "" : ", ", error ? "" : host);
}

static void old_functions(const char *name, const address *known) {
    struct hostent room, *host = S(gethostbyname)(name), *found = NULL;
    char buffer[1024];
    int why = 0;
    printf("gethostbyname: %s\n", host ? host->h_name : "none");
    check("the same address", host && memcmp(host->h_addr_list[0], &known->u.v4.sin_addr, 4) == 0);
    host = S(gethostbyname2)(name, AF_INET6);
    printf("gethostbyname2, IPv6: %s, %d\n", host ? host->h_name : "none", h_errno);
    host = S(gethostbyaddr)(&known->u.v4.sin_addr, 4, AF_INET);
    printf("gethostbyaddr: %s\n", host ? host->h_name : "none");
    tell("gethostbyname_r", S(gethostbyname_r)(name, &room, buffer, sizeof buffer, &found, &why));
    printf("found: %s\n", found ? found->h_name : "none");
    tell("gethostbyname2_r", S(gethostbyname2_r)(name, AF_INET, &room, buffer, sizeof buffer, &found, &why));
    printf("found: %s\n", found ? found->h_name : "none");
    tell("gethostbyaddr_r", S(gethostbyaddr_r)(&known->u.v4.sin_addr, 4, AF_INET, &room, buffer, sizeof buffer, &found,
                                               &why));
    printf("found: %s\n", found ? found->h_name : "none");
    tell("gethostbyname_r, no room", S(gethostbyname_r)(name, &room, buffer, 8, &found, &why) == ERANGE);
}

static void talk(const char *what, const address *to) {
    int fd = stream_to(to, 0);
    long outcome = tell(what, S(connect)(fd, &to->u.any, to->len));
    if (outcome == 0) {
        address peer = peer_name(fd);
        check("the peer is the address", strcmp(show(&peer), show(to)) == 0);
        check_echo(fd);
    }
    S(close)(fd);
}

static void other_roads(const address *known) {
    static const char query[] = "\0\1\1\0\0\1\0\0\0\0\0\0\1a\7example\0\0\1\0\1";
    unsigned char answer[512];
    address resolver = parse("127.0.0.53:53"), bare, unknown = *known;
    int udp = socket(AF_INET, SOCK_DGRAM, 0), tcp = stream_to(&resolver, 0);
    struct sockaddr_un nscd;
    struct msghdr message;
    struct iovec part;
    struct mmsghdr several;
    tell("datagram to a resolver", IO(sendto)(udp, query, sizeof query, 0, &resolver.u.any, resolver.len));
    memset(&message, 0, sizeof message);
    part.iov_base = (void *)query;
    part.iov_len = sizeof query;
    message.msg_name = &resolver.u.any;
    message.msg_namelen = resolver.len;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    tell("by sendmsg", IO(sendmsg)(udp, &message, 0));
    memset(&several, 0, sizeof several);
    several.msg_hdr = message;
    tell("by sendmmsg", IO(sendmmsg)(udp, &several, 1, 0));
    tell("by number", IO(syscall)(SYS_sendto, udp, query, sizeof query, 0, &resolver.u.any, resolver.len));
    tell("sendmsg by number", IO(syscall)(SYS_sendmsg, udp, &message, 0));
    tell("sendmmsg by number", IO(syscall)(SYS_sendmmsg, udp, &several, 1, 0));
    bare = resolver;
    bare.u.any.sa_family = AF_UNSPEC;
    tell("to no family", IO(sendto)(udp, query, sizeof query, 0, &bare.u.any, bare.len));
    message.msg_name = &bare.u.any;
    tell("by sendmsg, to no family", IO(sendmsg)(udp, &message, 0));
    tell("connected to it", S(connect)(udp, &resolver.u.any, resolver.len));
    tell("a stream to it", S(connect)(tcp, &resolver.u.any, resolver.len));
    tell("datagram to a name", IO(sendto)(udp, query, sizeof query, 0, &known->u.any, known->len));
    tell("connected to a name", S(connect)(udp, &known->u.any, known->len));
    memset(&nscd, 0, sizeof nscd);
    nscd.sun_family = AF_UNIX;
    strcpy(nscd.sun_path, "/var/run/nscd/socket");
    S(close)(tcp);
    tcp = socket(AF_UNIX, SOCK_STREAM, 0);
    tell("nscd", S(connect)(tcp, (const struct sockaddr *)&nscd, sizeof nscd));
    S(close)(tcp);
    S(close)(udp);
    tell("res_query", IO(res_query)("service.example", C_IN, T_A, answer, sizeof answer));
    tell("res_search", IO(res_search)("service.example", C_IN, T_MX, answer, sizeof answer));
    unknown.u.v4.sin_addr.s_addr = htonl(0xc613fffe);
    talk("an address that nobody gave", &unknown);
    tell_name("its name", &unknown, 256, 0);
    tell_name("its name, required", &unknown, 256, NI_NAMEREQD);
}

static void several_processes(const char *port, const char *self) {
    address there;
    int ends[2], status;
    char text[64];
    if (pipe(ends) != 0)
        die("pipe");
    fflush(stdout);
    if (fork() == 0) {
        there = resolve("other.example", port, AF_INET, 0);
        if (write(ends[1], &there, sizeof there) != sizeof there)
            die("write");
        fflush(stdout);
        _exit(0);
    }
    wait(&status);
    if (read(ends[0], &there, sizeof there) != sizeof there)
        die("read");
    talk("resolved by a child", &there);
    snprintf(text, sizeof text, "%s", show(&there));
    fflush(stdout);
    execl(self, self, "connect", text, (char *)NULL);
    die("exec");
}

int main(int argc, char **argv) {
    char longest[300];
    address known, again;
    (void)argc;
    if (strcmp(argv[1], "connect") == 0) {
        known = parse(argv[2]);
        tell_name("after exec", &known, 256, NI_NAMEREQD);
        talk("connect after exec", &known);
        return 0;
    }
    known = resolve("service.example", argv[1], AF_UNSPEC, AI_CANONNAME | AI_ADDRCONFIG);
    talk("connect", &known);
    again = resolve("SERVICE.example.", argv[1], AF_INET, 0);
    check("the same address", strcmp(show(&known), show(&again)) == 0);
    resolve("service.example", argv[1], AF_INET6, 0);
    again = resolve("service.example", argv[1], AF_INET6, AI_V4MAPPED);
    talk("connect, mapped", &again);
    tell_name("name", &known, 256, 0);
    tell_name("name, mapped", &again, 256, NI_NAMEREQD);
    tell_name("number", &again, 256, NI_NUMERICHOST | NI_NUMERICSERV);
    tell_name("name, no room", &known, 5, 0);
    old_functions("service.example", &known);
    resolve("127.0.0.1", argv[1], AF_INET, 0);
    resolve("localhost", argv[1], AF_INET, 0);
    /* libc would ask for these. */
    resolve("localhost.", argv[1], AF_INET, 0);
    resolve("some.localhost", argv[1], AF_INET, 0);
    resolve("service.example", argv[1], AF_INET, AI_NUMERICHOST);
    memset(longest, 'x', sizeof longest);
    longest[256] = 0;
    resolve(longest, argv[1], AF_INET, 0);
    longest[255] = 0;
    resolve(longest, argv[1], AF_INET, 0);
    /* They look like addresses, and libc would ask for them. */
    resolve("192.0.2.256", argv[1], AF_INET, 0);
    resolve("4294967296", argv[1], AF_INET, 0);
    resolve("fe80::zz", argv[1], AF_INET, 0);
    again = resolve("nowhere.example", argv[1], AF_INET, 0);
    talk("connect to a name that the proxy does not know", &again);
    known.u.v4.sin_port = htons((in_port_t)atoi(argv[1]));
    other_roads(&known);
    several_processes(argv[1], argv[0]);
}
