/* Eight threads connect at once, before the library did anything else; then each to and fro on its own. */
#include "victim.h"

#include <pthread.h>

enum { THREADS = 8, LINES = 50 };

static address to;
static pthread_barrier_t start;
static int failures[THREADS];

static void *run(void *argument) {
    int number = (int)(long)argument, i, fd;
    pthread_barrier_wait(&start);
    fd = connected_to(&to);
    for (i = 0; i < LINES; i++) {
        char said[32], heard[32];
        size_t len = (size_t)snprintf(said, sizeof said, "line %d of thread %d\n", i, number), got = 0;
        if (S(write)(fd, said, len) != (ssize_t)len)
            failures[number]++;
        while (got < len) {
            ssize_t more = S(read)(fd, heard + got, len - got);
            if (more <= 0)
                break;
            got += (size_t)more;
        }
        if (got != len || memcmp(said, heard, len) != 0)
            failures[number]++;
        if (i % 10 == 9) {
            /* Numbers are used again by all of them. */
            int second = S(dup)(fd);
            S(close)(fd);
            fd = second;
        }
    }
    S(close)(fd);
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    long i;
    (void)argc;
    to = parse(argv[1]);
    pthread_barrier_init(&start, NULL, THREADS);
    for (i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, run, (void *)i) != 0)
            die("pthread_create");
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (i = 0; i < THREADS; i++)
        printf("thread %ld: %d failures\n", i, failures[i]);
    return 0;
}
