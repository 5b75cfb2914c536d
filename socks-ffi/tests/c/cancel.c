/* pthread_cancel ends a thread that waits in a call of ours, as in one of libc's; the socket is none the worse. */
#include "victim.h"

#include <pthread.h>

static int fd;

static void *do_read(void *argument) {
    char byte;
    if (S(read)(fd, &byte, 1) < 0)
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

static void *do_accept(void *argument) {
    S(accept)(fd, NULL, NULL);
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
    address to = parse(argv[1]), here = parse(argv[2]);
    (void)argc;
    fd = connected_to(&to);
    cancel("read", do_read);
    cancel("poll", do_poll);
    cancel("select", do_select);
    check_echo(fd);
    S(close)(fd);

    fd = stream_to(&here, 0);
    tell("bind", S(bind)(fd, &here.u.any, here.len));
    tell("listen", S(listen)(fd, 1));
    cancel("accept", do_accept);
    cancel("poll of a listener", do_poll);
    return S(close)(fd);
}
