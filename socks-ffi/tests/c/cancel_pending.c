/* pthread_cancel ends a thread that waits for the proxy in any call; the socket goes on, for others to wait for. */
#include "victim.h"

#include <pthread.h>

static address to;
static int fd;

static void *do_read(void *argument) {
    char byte;
    if (IO(read)(fd, &byte, 1) < 0)
        return NULL;
    return argument;
}

static void *do_poll(void *argument) {
    struct pollfd wait = {0, POLLIN, 0};
    wait.fd = fd;
    S(poll)(&wait, 1, -1);
    return argument;
}

static void *do_select(void *argument) {
    fd_set in;
    FD_ZERO(&in);
    FD_SET(fd, &in);
    S(select)(fd + 1, &in, NULL, NULL, NULL);
    return argument;
}

static void *do_connect(void *argument) {
    S(connect)(fd, &to.u.any, to.len);
    return argument;
}

static void *do_write(void *argument) {
    if (IO(write)(fd, "x", 1) < 0)
        return NULL;
    return argument;
}

static void cancel(const char *what, void *(*run)(void *)) {
    pthread_t thread;
    void *result;
    if (pthread_create(&thread, NULL, run, NULL) != 0)
        die("pthread_create");
    await_others();
    pthread_cancel(thread);
    pthread_join(thread, &result);
    check(what, result == PTHREAD_CANCELED);
}

int main(int argc, char **argv) {
    (void)argc;
    to = parse(argv[1]);
    fd = stream_to(&to, 0);
    cancel("connect", do_connect);
    cancel("poll on its way", do_poll);
    cancel("select on its way", do_select);
    cancel("read on its way", do_read);
    cancel("write on its way", do_write);
    cancel("another connect", do_connect);
    open_gate(argv[2]);
    tell_poll("poll", fd, POLLOUT, -1);
    printf("SO_ERROR: %d\n", socket_error(fd));
    check_echo(fd);
    return S(close)(fd);
}
