/* A thread that waits for the proxy keeps nobody else from the same socket, nor from others. */
#include "victim.h"

#include <pthread.h>

static address to;
static int fd;

static void *wait_writable(void *argument) {
    struct pollfd wait = {0, POLLOUT, 0};
    wait.fd = fd;
    (void)argument;
    return (void *)(long)(S(poll)(&wait, 1, -1) == 1 && wait.revents == POLLOUT);
}

int main(int argc, char **argv) {
    pthread_t threads[4];
    address local = parse("127.0.0.1:0");
    int i, other;
    (void)argc;
    to = parse(argv[1]);
    fd = stream_to(&to, SOCK_NONBLOCK);
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    for (i = 0; i < 4; i++)
        if (pthread_create(&threads[i], NULL, wait_writable, NULL) != 0)
            die("pthread_create");
    tell_poll("poll beside them", fd, POLLOUT, 20);
    other = socket(AF_INET, SOCK_DGRAM, 0);
    tell("bind beside them", S(bind)(other, &local.u.any, local.len));
    S(close)(other);
    open_gate(argv[2]);
    for (i = 0; i < 4; i++) {
        void *good;
        pthread_join(threads[i], &good);
        check("a waiter sees it writable", good != NULL);
    }
    printf("SO_ERROR: %d\n", socket_error(fd));
    check_echo(fd);
    return S(close)(fd);
}
