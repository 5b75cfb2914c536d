/* shutdown of a socket that is on its way ends that, as it does without a proxy; a thread in connect is woken. */
#include "victim.h"

#include <pthread.h>

static address to;

static void *connect_it(void *fd) {
    return (void *)(long)(S(connect)(*(int *)fd, &to.u.any, to.len) == -1 ? errno : 0);
}

int main(int argc, char **argv) {
    int fd, how;
    pthread_t thread;
    void *error;
    (void)argc;
    to = parse(argv[1]);
    fd = stream_to(&to, SOCK_NONBLOCK);
    tell("not connected at all", S(shutdown)(fd, SHUT_RDWR));
    S(close)(fd);
    for (how = SHUT_RD; how <= SHUT_RDWR; how++) {
        fd = stream_to(&to, SOCK_NONBLOCK);
        tell("connect", S(connect)(fd, &to.u.any, to.len));
        tell_poll("poll", fd, POLLOUT, 20);
        tell("no such way", S(shutdown)(fd, 3));
        tell("shutdown", S(shutdown)(fd, how));
        tell_poll("poll", fd, POLLIN | POLLOUT, -1);
        printf("SO_ERROR: %s\n", error_name(socket_error(fd)));
        tell("and once more", S(shutdown)(fd, how));
        S(close)(fd);
    }

    fd = stream_to(&to, 0);
    if (pthread_create(&thread, NULL, connect_it, &fd) != 0)
        die("pthread_create");
    await_others();
    tell("shutdown", S(shutdown)(fd, SHUT_RDWR));
    pthread_join(thread, &error);
    printf("the other thread: connect: %s\n", error_name((int)(long)error));
    return S(close)(fd);
}
