/* What the programs that try to get past the proxy have in common. */

#ifndef INTEROP_LEAK_H
#define INTEROP_LEAK_H

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* As `main` was called: the name that the proxy knows, the address and the port that it stands for. */
extern const char *host, *ip, *port;

/* One thing that is tried, named on the command line. */
struct trial {
    const char *name;
    void (*run)(void);
};

/* The table of the program; it ends with a null name. */
extern const struct trial trials[];

/* Prints what came of a call: `ok`, or the errno's name. It is the outcome. */
long tell(const char *what, long outcome);

/* getaddrinfo(3), told about. 0, or its error. */
int look_up(const char *name, int family, int flags, struct addrinfo **list);

/* An address of IPv4 and of IPv6. */
struct sockaddr_in v4(const char *text, int number);
struct sockaddr_in6 v6(const char *text, int number);

/* Fetches /who by the name and by the address: how many of the two came. Prints nothing. */
int fetch_both(void);

/* Fetches /who from there. 1 if it came. */
int fetch_from(const struct sockaddr *to, socklen_t len);

#endif
