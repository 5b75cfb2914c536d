/*
 * SOCKS_REMAP in a program that uses the words for everything that C allows. Nothing of that name of libc's may be
 * left among its undefined symbols.
 */
#include "socks.h"

/* Declared already, so that they are not renamed. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct operations {
    int (*connect)(int, const struct sockaddr *, socklen_t);
    int (*close)(int);
    int (*poll)(struct pollfd *, nfds_t, int);
};

struct button {
    int select;
    int bind, listen;
};

int main(void) {
    struct operations operations;
    struct button button = {.select = 1, .bind = 2, .listen = 3};
    struct sockaddr_in to;
    struct pollfd wait[3];
    struct timeval none = {0, 0};
    struct timespec at_once = {0, 0};
    socklen_t len = sizeof to;
    int (*const pointer)(int) = &dup;
    int fd = socket(AF_INET, SOCK_STREAM, 0), number;
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    memset(wait, 0, sizeof wait);
    wait[0].fd = wait[1].fd = wait[2].fd = -1;
    operations.connect = connect;
    operations.close = close;
    operations.poll = poll;
    if (operations.connect(-1, (struct sockaddr *)&to, sizeof to) != -1 || operations.close(-1) != -1)
        return 1;
    if (operations.poll(wait, 3, 0) != 0 || poll(wait, 3, 0) != 0 || select(0, NULL, NULL, NULL, &none) != 0)
        return 2;
    if (bind(-1, (struct sockaddr *)&to, len) != -1 || listen(-1, 1) != -1 || accept(-1, NULL, NULL) != -1)
        return 3;
    if (getsockname(fd, (struct sockaddr *)&to, &len) != 0 || getpeername(fd, (struct sockaddr *)&to, &len) != -1)
        return 4;
    len = sizeof number;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &number, &len) != 0 || number != SOCK_STREAM)
        return 5;
    if (dup2(pointer(fd), fd) != fd || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_GETFD) != FD_CLOEXEC)
        return 6;
    if (shutdown(fd, SHUT_RDWR) != -1 || (close)(fd) != 0 || fclose(tmpfile()) != 0)
        return 7;
    if (pselect(0, NULL, NULL, NULL, &at_once, NULL) != 0)
        return 8;
#ifdef _GNU_SOURCE
    if (ppoll(wait, 3, &at_once, NULL) != 0 || accept4(-1, NULL, NULL, SOCK_CLOEXEC) != -1)
        return 9;
    if (dup3(1, 60, O_CLOEXEC) != 60 || close_range(60, 60, 0) != 0 || close(60) != -1)
        return 10;
    closefrom(60);
#endif
    return button.select + button.bind + button.listen == 6 ? 0 : 11;
}
