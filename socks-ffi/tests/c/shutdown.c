/* shutdown: of a connected socket as ever; of a listening one it wakes who accepts. */
#include "victim.h"

#include <pthread.h>

static void *accept_one(void *fd) {
    return (void *)(long)(S(accept)(*(int *)fd, NULL, NULL) == -1 ? errno : 0);
}

int main(int argc, char **argv) {
    address to = parse(argv[1]), here = parse(argv[2]);
    int fd = connected_to(&to), listener;
    char byte;
    pthread_t thread;
    void *error;
    (void)argc;
    write_line(fd, "the last one");
    tell("shutdown", S(shutdown)(fd, SHUT_WR));
    printf("%s\n", read_line(fd));
    tell("the end", S(read)(fd, &byte, 1));
    signal(SIGPIPE, SIG_IGN);
    tell("no more to say", S(write)(fd, "x", 1));
    S(close)(fd);

    listener = stream_to(&here, 0);
    tell("bind", S(bind)(listener, &here.u.any, here.len));
    tell("shutdown", S(shutdown)(listener, SHUT_RDWR));
    tell("listen", S(listen)(listener, 1));
    tell("shutdown of what it does not do", S(shutdown)(listener, SHUT_WR));
    if (pthread_create(&thread, NULL, accept_one, &listener) != 0)
        die("pthread_create");
    await_others();
    tell("shutdown", S(shutdown)(listener, SHUT_RD));
    pthread_join(thread, &error);
    printf("the other thread: accept: %s\n", error_name((int)(long)error));
    tell("accept", S(accept)(listener, NULL, NULL));
    return S(close)(listener);
}
