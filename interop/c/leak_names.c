/* Every way to ask somebody for a name. */

#include "leak.h"

#include <arpa/nameser.h>
#include <resolv.h>
#include <signal.h>
#include <sys/un.h>

static void try_name(const char *name)
{
    struct addrinfo *list;
    struct hostent *found;

    if (look_up(name, AF_UNSPEC, 0, &list) == 0) {
        printf("  its page: %s\n", fetch_from(list->ai_addr, list->ai_addrlen) ? "came" : "did not come");
        freeaddrinfo(list);
    }
    found = gethostbyname(name);
    printf("  gethostbyname: %s\n", found ? "ok" : hstrerror(h_errno));
}

/* Names as no program should have them. */
static void odd_names(void)
{
    char name[400];
    size_t length;

    for (length = 253; length <= 300; length += length < 258 ? 1 : 21) {
        memset(name, 'x', length);
        name[length] = '\0';
        try_name(name);
        /* The same in labels that DNS would take. */
        for (size_t at = 50; at < length; at += 51)
            name[at] = '.';
        try_name(name);
    }
    snprintf(name, sizeof name, "%s.", host);
    try_name(name);
    snprintf(name, sizeof name, "%s..", host);
    try_name(name);
    /* To C the name ends at the NUL. */
    snprintf(name, sizeof name, "%s%c.somewhere.example", host, '\0');
    try_name(name);
    try_name("");
    try_name(".");
    try_name("..");
    try_name("a..b");
    try_name("single");
    try_name(" ");
    try_name("a b.example");
    try_name("line\nbreak.example");
    try_name("b\xfc" "cher.example");
    try_name("b\xc3\xbc" "cher.example");
    try_name("1.2.3.4.5");
    try_name("1.2.3.4.");
    try_name("0x7f.example");
    try_name("256.1.1.1");
    try_name("300.300.300.300");
    try_name("1..2");
    try_name("::1%nosuch");
    try_name("fe80::zz");
    try_name("[::1]");
    try_name("-leading.example");
    try_name("under_score.example");
    try_name("something.local");
    try_name("4.3.2.1.in-addr.arpa");
    try_name("something.onion");
    try_name("nolocalhost");
    try_name("localhost.");
    try_name("some.localhost");
    try_name("some.localhost.");
    try_name("localhost.example");
}

/* Hints and flags of getaddrinfo. */
static void hints(void)
{
    static const int families[] = {AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX, 99};
    static const int flags[] = {
        0, AI_V4MAPPED, AI_V4MAPPED | AI_ALL, AI_ADDRCONFIG, AI_CANONNAME, AI_PASSIVE, AI_IDN, AI_CANONIDN | AI_CANONNAME,
        AI_IDN | AI_CANONNAME | AI_CANONIDN, AI_NUMERICHOST, AI_NUMERICSERV, AI_V4MAPPED | AI_ADDRCONFIG, -1,
    };
    static const char *const services[] = {NULL, "http", "nosuchservice", "65536", "domain", ""};
    static const int types[] = {0, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, 77};
    struct addrinfo *list, hint;
    size_t i, j, asked = 0;

    for (i = 0; i < sizeof families / sizeof *families; i++)
        for (j = 0; j < sizeof flags / sizeof *flags; j++, asked++)
            if (look_up(host, families[i], flags[j], &list) == 0) {
                fetch_from(list->ai_addr, list->ai_addrlen);
                freeaddrinfo(list);
            }
    for (i = 0; i < sizeof services / sizeof *services; i++)
        for (j = 0; j < sizeof types / sizeof *types; j++, asked++) {
            memset(&hint, 0, sizeof hint);
            hint.ai_socktype = types[j];
            if (getaddrinfo(host, services[i], &hint, &list) == 0)
                freeaddrinfo(list);
        }
    if (getaddrinfo(host, NULL, NULL, &list) == 0)
        freeaddrinfo(list);
    printf("asked %zu times\n", asked);
}

/* The resolver's own functions. */
static void resolver(void)
{
    unsigned char message[512], answer[1024];
    struct __res_state state;
    struct addrinfo *list;
    int len;

    tell("res_init", res_init());
    tell("res_query", res_query(host, C_IN, T_A, answer, sizeof answer));
    tell("res_search", res_search(host, C_IN, T_AAAA, answer, sizeof answer));
    tell("res_querydomain", res_querydomain("target", "interop.example", C_IN, T_MX, answer, sizeof answer));
    len = res_mkquery(QUERY, host, C_IN, T_A, NULL, 0, NULL, message, sizeof message);
    tell("res_send", res_send(message, len, answer, sizeof answer));
    memset(&state, 0, sizeof state);
    tell("res_ninit", res_ninit(&state));
    tell("res_nquery", res_nquery(&state, host, C_IN, T_A, answer, sizeof answer));
    tell("res_nsearch", res_nsearch(&state, host, C_IN, T_A, answer, sizeof answer));
    tell("res_nquerydomain", res_nquerydomain(&state, "target", "interop.example", C_IN, T_A, answer, sizeof answer));
    tell("res_nsend", res_nsend(&state, message, len, answer, sizeof answer));
    res_nclose(&state);
    /* With other options the resolver asks by TCP. */
    _res.options |= RES_USEVC;
    tell("res_query by TCP", res_query(host, C_IN, T_A, answer, sizeof answer));
    look_up("by.tcp.example", AF_UNSPEC, 0, &list);
}

/* getaddrinfo_a, whose threads ask. */
static void by_threads(void)
{
    struct gaicb request = {.ar_name = host}, *list[1] = {&request};
    struct sigevent event;
    int error = getaddrinfo_a(GAI_WAIT, list, 1, NULL);

    printf("getaddrinfo_a: %s\n", error ? gai_strerror(error) : "ok");
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_NONE;
    error = getaddrinfo_a(GAI_NOWAIT, list, 1, &event);
    printf("without waiting: %s\n", error ? gai_strerror(error) : "ok");
    if (error == 0)
        gai_suspend((const struct gaicb *const *)list, 1, NULL);
}

static void name_of(const struct sockaddr *at, socklen_t len, int flags)
{
    char name[300];
    int error = getnameinfo(at, len, name, sizeof name, NULL, 0, flags);

    printf("getnameinfo: %s\n", error ? gai_strerror(error) : name);
}

/* Addresses, for names. */
static void reverse(void)
{
    static const char *const texts[] = {"10.77.2.2", "192.0.2.1", "198.18.0.0", "198.19.255.255", "224.0.0.251"};
    static const char *const texts6[] = {"fd77:2::2", "::ffff:192.0.2.1", "2001:db8::1", "ff02::fb"};
    struct hostent room, *found;
    char buffer[1024];
    size_t i;
    int why;

    for (i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct sockaddr_in at = v4(texts[i], 80);
        name_of((struct sockaddr *)&at, sizeof at, 0);
        name_of((struct sockaddr *)&at, sizeof at, NI_NAMEREQD);
        name_of((struct sockaddr *)&at, sizeof at, NI_NOFQDN | NI_DGRAM);
        name_of((struct sockaddr *)&at, sizeof at, NI_IDN);
        found = gethostbyaddr(&at.sin_addr, 4, AF_INET);
        printf("gethostbyaddr: %s\n", found ? found->h_name : "none");
        gethostbyaddr_r(&at.sin_addr, 4, AF_INET, &room, buffer, sizeof buffer, &found, &why);
    }
    for (i = 0; i < sizeof texts6 / sizeof *texts6; i++) {
        struct sockaddr_in6 at = v6(texts6[i], 80);
        name_of((struct sockaddr *)&at, sizeof at, 0);
        name_of((struct sockaddr *)&at, sizeof at, NI_NAMEREQD);
        found = gethostbyaddr(&at.sin6_addr, 16, AF_INET6);
        printf("gethostbyaddr: %s\n", found ? found->h_name : "none");
    }
}

/* Local services that would ask. */
static void services(void)
{
    static const char *const paths[] = {
        "/var/run/nscd/socket", "/run/nscd/socket", "/run/systemd/resolve/io.systemd.Resolve",
        "/run/avahi-daemon/socket", "/var/run/avahi-daemon/socket",
    };
    size_t i;

    for (i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct sockaddr_un at;
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        memset(&at, 0, sizeof at);
        at.sun_family = AF_UNIX;
        strcpy(at.sun_path, paths[i]);
        tell(paths[i], connect(fd, (struct sockaddr *)&at, sizeof at));
        close(fd);
    }
}

/* Functions of libc that ask for a name on the way to something else, inside of libc. */

static void networks(void)
{
    struct netent *net = getnetbyname("somenet.example");

    printf("getnetbyname: %s\n", net ? "ok" : hstrerror(h_errno));
    net = getnetbyaddr(0x0a4d02, AF_INET);
    printf("getnetbyaddr: %s\n", net ? "ok" : hstrerror(h_errno));
}

static void trust(void)
{
    tell("ruserok", ruserok("remote.interop.example", 0, "root", "root"));
}

/* These connect there too, for as long as the kernel tries. */

static void remote_shell(void)
{
    char *address = (char *)ip;

    alarm(1);
    tell("rcmd", rcmd(&address, htons(514), "root", "root", "true", NULL));
}

static void remote_program(void)
{
    char *address = (char *)ip;

    alarm(1);
    tell("rexec", rexec(&address, htons(512), "root", "none", "true", NULL));
}

static void own_number(void)
{
    printf("gethostid: %lx\n", (unsigned long)gethostid());
}

const struct trial trials[] = {
    {"odd names", odd_names},
    {"hints", hints},
    {"resolver", resolver},
    {"by threads", by_threads},
    {"reverse", reverse},
    {"services", services},
    {"own number", own_number},
    {"networks", networks},
    {"trust", trust},
    {"rcmd", remote_shell},
    {"rexec", remote_program},
    {NULL, NULL},
};
