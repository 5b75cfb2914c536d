/* 64 threads connect at once, and each is answered a while after the one before: all of it takes as long as the last. */
#include "victim.h"

#include <pthread.h>

enum { THREADS = 64, STEP = 20, ANSWERS = 2 };

static address to;
static int failures[THREADS];

static void *run(void *argument) {
    int number = (int)(long)argument, fd = stream_to(&to, number % 2 ? SOCK_NONBLOCK : 0), outcome;
    struct pollfd wait = {0, POLLOUT, 0};
    wait.fd = fd;
    outcome = S(connect)(fd, &to.u.any, to.len);
    if (number % 2 && outcome == -1 && errno == EINPROGRESS && S(poll)(&wait, 1, -1) == 1)
        outcome = socket_error(fd);
    failures[number] = outcome;
    S(close)(fd);
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    long long begun = now_in_ms(), took;
    long i;
    int all = 0;
    (void)argc;
    to = parse(argv[1]);
    for (i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, run, (void *)i) != 0)
            die("pthread_create");
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        all += failures[i];
    }
    took = now_in_ms() - begun;
    printf("failures: %d\n", all);
    check("no longer than the slowest", took <= THREADS * STEP * ANSWERS + 2000);
    return 0;
}
