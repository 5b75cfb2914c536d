/* A non-blocking connect, waited for with poll(2). */

#include "fetch.h"

#include <errno.h>
#include <poll.h>

int connect_socket(int fd, const struct sockaddr *to, socklen_t len)
{
    int error = begin_connect(fd, to, len);

    if (error == EINPROGRESS) {
        struct pollfd wait = {fd, POLLOUT, 0};
        int n = poll(&wait, 1, 30000);

        if (n < 0)
            return errno;
        if (n == 0)
            return ETIMEDOUT;
        error = socket_error(fd);
    }
    return error ? error : set_nonblocking(fd, 0);
}
