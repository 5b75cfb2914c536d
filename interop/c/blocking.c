/* The plainest client: connect(2) blocks. */

#include "fetch.h"

#include <errno.h>

int connect_socket(int fd, const struct sockaddr *to, socklen_t len)
{
    return connect(fd, to, len) < 0 ? errno : 0;
}
