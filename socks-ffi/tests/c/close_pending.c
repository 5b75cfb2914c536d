/* A thread closes a socket on its way while another one waits for it: nobody hangs, and the number is free. */
#include "victim.h"

#include <pthread.h>

static address to;
static int fd;

static void *wait_for_it(void *argument) {
    struct pollfd wait = {0, POLLOUT, 0};
    int ready;
    wait.fd = fd;
    ready = S(poll)(&wait, 1, 300);
    /* As the kernel has it: nobody is told. */
    return ready == 0 || (ready == 1 && wait.revents == POLLNVAL) ? argument : NULL;
}

int main(int argc, char **argv) {
    pthread_t threads[4];
    address peer;
    int i, fresh;
    long long begun = now_in_ms();
    (void)argc;
    to = parse(argv[1]);
    fd = stream_to(&to, SOCK_NONBLOCK);
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    for (i = 0; i < 4; i++)
        if (pthread_create(&threads[i], NULL, wait_for_it, &to) != 0)
            die("pthread_create");
    await_others();
    tell("close", S(close)(fd));
    for (i = 0; i < 4; i++) {
        void *good;
        pthread_join(threads[i], &good);
        check("a waiter is not told of a success", good != NULL);
    }
    check("in time", now_in_ms() - begun < 2000);
    fresh = stream_to(&to, 0);
    check("the same number", fresh == fd);
    peer.len = sizeof peer.u;
    tell("getpeername", S(getpeername)(fresh, &peer.u.any, &peer.len));
    tell_poll("poll", fresh, POLLIN | POLLOUT, 0);
    return S(close)(fresh);
}
