/* A non-blocking connect, waited for with select(2). */

#include "fetch.h"

#include <errno.h>
#include <stddef.h>
#include <sys/select.h>
#include <sys/time.h>

int connect_socket(int fd, const struct sockaddr *to, socklen_t len)
{
    int error = begin_connect(fd, to, len);

    if (error == EINPROGRESS) {
        struct timeval limit = {30, 0};
        fd_set writable;
        int n;

        FD_ZERO(&writable);
        FD_SET(fd, &writable);
        n = select(fd + 1, NULL, &writable, NULL, &limit);
        if (n < 0)
            return errno;
        if (n == 0)
            return ETIMEDOUT;
        error = socket_error(fd);
    }
    return error ? error : set_nonblocking(fd, 0);
}
