/*
 * What soak_threads and soak_epoll have in common: what to do on each connection, and what became of it.
 *
 * Everything about a connection follows from its number, so that a failure can be had again.
 */

#ifndef INTEROP_SOAK_H
#define INTEROP_SOAK_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

/* How a connection ends. */
enum end {
    END_HALF,   /* shutdown(2) when all is sent, before the echo is read; then the target closes */
    END_THEIRS, /* the target closes first */
    END_OURS,   /* close(2) when the echo is there */
    END_RESET,  /* the same, by a reset */
    END_COUNT
};

struct plan {
    uint64_t number;
    struct sockaddr_storage to;
    socklen_t to_length;
    int by_name;     /* `to` stands for a name that the proxy resolves; else getpeername(2) has to say `to` */
    int refused;     /* nobody listens there */
    int abandoned;   /* closed while it is on its way, at some time */
    int duplicated;  /* goes on by a duplicate of its descriptor */
    unsigned choice; /* 0 to 7: between ways of the program's own */
    enum end end;
    uint32_t length; /* of the message */
};

/* What became of one. */
enum fate { ECHOED, REFUSED, ABANDONED, FAILED, FATES };

/* Reads the arguments `CONNECTIONS PORT PORTS CLOSED_PORT NAME ADDRESS...`, limits the descriptors to what so many
 * sockets at once need, starts the watchdog and prints the first line. */
void soak_begin(int argc, char **argv, unsigned at_once);

/* Prints the last line; the exit code. */
int soak_end(void);

/* The next connection; 0 if there is none. */
int next_plan(struct plan *plan);

/* Counts one. */
void done(const struct plan *plan, enum fate fate);

/* Counts one that failed, and says why, unless many others have said so before. `error` is an errno, or 0. */
void failed(const struct plan *plan, const char *what, int error);

/* Notes what is done about the connection, for the watchdog: `slot` is below `at_once`, `what` a literal, or NULL for
 * nothing. */
void doing(unsigned slot, const struct plan *plan, const char *what);

/* `length` bytes of the message from `position` on. */
void content(const struct plan *plan, uint32_t position, unsigned char *bytes, uint32_t length);

/* A socket for it; -1 and counted as failed, if there is none. `flags` as of socket(2). */
int plan_socket(const struct plan *plan, int flags);

/* A duplicate in its place, which is closed; -1 and counted as failed, if there is none. */
int duplicate(const struct plan *plan, int fd);

/* Whether getpeername(2) says the target; counted as failed if not. */
int has_right_peer(const struct plan *plan, int fd);

/* Closes it as its end says; 0 and counted as failed, if close(2) fails. */
int end_connection(const struct plan *plan, int fd);

#endif
