/* Where the configuration has errors nobody is asked for a name: who is to be asked may be what cannot be read. */
#include "victim.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>

static void resolve(const char *name) {
    struct addrinfo hints, *list = NULL;
    int error;
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    error = S(getaddrinfo)(name, NULL, &hints, &list);
    printf("%s: %s\n", name, error == 0 ? "found" : error == EAI_FAIL ? "EAI_FAIL" : gai_strerror(error));
    if (error == 0)
        freeaddrinfo(list);
}

int main(void) {
    unsigned char answer[512];
    char name[256];
    address far = parse("192.0.2.1:80"), resolver = parse("127.0.0.53:53");
    int udp = socket(AF_INET, SOCK_DGRAM, 0), tcp = stream_to(&resolver, 0);
    resolve("service.example");
    resolve("192.0.2.1");
    resolve("localhost");
    printf("gethostbyname: %s\n", S(gethostbyname)("service.example") ? "found" : "none");
    check("no name of an address",
          S(getnameinfo)(&far.u.any, far.len, name, sizeof name, NULL, 0, NI_NAMEREQD) == EAI_NONAME);
    tell("res_query", IO(res_query)("service.example", C_IN, T_A, answer, sizeof answer));
    tell("datagram to a resolver", IO(sendto)(udp, "a", 1, 0, &resolver.u.any, resolver.len));
    tell("a stream to it", S(connect)(tcp, &resolver.u.any, resolver.len));
    S(close)(tcp);
    S(close)(udp);
    return 0;
}
