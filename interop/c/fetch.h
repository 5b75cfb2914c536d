/* What the programs here have in common: everything but the way to wait for a connect. */

#ifndef INTEROP_FETCH_H
#define INTEROP_FETCH_H

#include <sys/socket.h>

/* Connects the new socket, and leaves it blocking. 0, or the errno of the failure. */
int connect_socket(int fd, const struct sockaddr *to, socklen_t len);

/* O_NONBLOCK on or off. 0, or an errno. */
int set_nonblocking(int fd, int on);

/* connect(2) on the non-blocking socket; EINPROGRESS if it has to be waited for, which is the rule. */
int begin_connect(int fd, const struct sockaddr *to, socklen_t len);

/* SO_ERROR of the socket, or the errno of asking for it. */
int socket_error(int fd);

#endif
