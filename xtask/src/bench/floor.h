/* The floor: a SOCKS 5 client of this much, for one target and one login, which does what none can do without. */
#ifndef FLOOR_H
#define FLOOR_H

#include "bench.h"

/* What is said in one go, and what comes back. */
struct flight {
    unsigned char says[64], hears[64];
    size_t said, heard;
};

/* All that follows a connect. */
struct script {
    struct flight flights[4];
    size_t count;
};

/* Adds a message and its answer: to the last flight, or in one of their own once that is answered. */
static inline void then(struct script *script, int together, const void *says, size_t said, const void *hears, size_t heard)
{
    struct flight *flight = &script->flights[together && script->count > 0 ? script->count - 1 : script->count++];

    memcpy(flight->says + flight->said, says, said);
    memcpy(flight->hears + flight->heard, hears, heard);
    flight->said += said;
    flight->heard += heard;
}

/* The handshake that is meant by ARGUMENTS: none, or "stepwise", "login", "one-round-trip" or "one-round-trip-login", and the
 * target's address and port. */
static inline struct script handshake(int count, char **arguments)
{
    struct script script = {.count = 0};
    unsigned char greeting[] = {5, 1, 0}, chosen[] = {5, 0}, request[10] = {5, 1, 0, 1};
    static const unsigned char granted[10] = {5, 0, 0, 1};
    struct sockaddr_in target;
    int together, login;

    if (count == 0)
        return script;
    if (count != 3)
        exit(2);
    together = strncmp(arguments[0], "one-", 4) == 0;
    login = strstr(arguments[0], "login") != NULL;
    target = address(arguments[1], arguments[2]);
    memcpy(request + 4, &target.sin_addr, 4);
    memcpy(request + 8, &target.sin_port, 2);
    greeting[2] = chosen[1] = login ? 2 : 0;
    then(&script, together, greeting, sizeof greeting, chosen, sizeof chosen);
    if (login)
        then(&script, together, "\1\3ann\6s3cret", 12, "\1", 2);
    then(&script, together, request, sizeof request, granted, sizeof granted);
    return script;
}

static inline void say(int fd, const struct flight *flight)
{
    if (send(fd, flight->says, flight->said, MSG_NOSIGNAL) != (ssize_t)flight->said)
        die("send");
}

/* Hears what it can; true when the flight is answered, and as it has to be. */
static inline int hear(int fd, const struct flight *flight, size_t *heard)
{
    unsigned char bytes[sizeof flight->hears];
    ssize_t got = recv(fd, bytes, flight->heard - *heard, 0);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got <= 0)
        die("recv");
    if (memcmp(bytes, flight->hears + *heard, (size_t)got) != 0) {
        fprintf(stderr, "recv: another answer than was expected\n");
        exit(1);
    }
    *heard += (size_t)got;
    return *heard == flight->heard;
}

/* The whole of a script, on a blocking socket. */
static inline void follow(int fd, const struct script *script)
{
    for (size_t i = 0; i < script->count; i++) {
        size_t heard = 0;

        say(fd, &script->flights[i]);
        while (!hear(fd, &script->flights[i], &heard))
            ;
    }
}

#endif
