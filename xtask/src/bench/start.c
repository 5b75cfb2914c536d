/* start ROUNDS [:: NAME=VALUE... PROGRAM ARGUMENT...]...: starts the programs in turn, ROUNDS times, each in an
 * environment of these variables alone. Prints for each round the nanoseconds from spawn to end, in their order. */
#include <spawn.h>
#include <sys/wait.h>

#include "bench.h"

enum { MOST = 16 };

struct variant {
    char **environment, **arguments;
};

static uint64_t run(const struct variant *variant)
{
    uint64_t start = nanos(CLOCK_MONOTONIC);
    pid_t child;
    int status;

    errno = posix_spawn(&child, variant->arguments[0], NULL, NULL, variant->arguments, variant->environment);
    if (errno != 0)
        die(variant->arguments[0]);
    if (waitpid(child, &status, 0) != child)
        die("waitpid");
    if (status != 0) {
        fprintf(stderr, "%s failed (%d)\n", variant->arguments[0], status);
        exit(1);
    }
    return nanos(CLOCK_MONOTONIC) - start;
}

/* What hangs is a program that was started, and it goes with this one. */
static void end_all(int signal)
{
    (void)signal;
    kill(0, SIGKILL);
}

int main(int argc, char **argv)
{
    struct variant variants[MOST];
    int count = 0, rounds;

    if (argc < 4)
        return 2;
    /* All of them are in the group that was made for this one. */
    if (signal(SIGTERM, end_all) == SIG_ERR || prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
        die("prctl");
    rounds = atoi(argv[1]);
    for (int i = 2; i < argc; i++) {
        char **environment;
        int assigned = 0;

        if (strcmp(argv[i], "::") != 0)
            continue;
        argv[i] = NULL;
        while (i + 1 + assigned < argc && strchr(argv[i + 1 + assigned], '=') != NULL)
            assigned++;
        environment = calloc((size_t)assigned + 1, sizeof *environment);
        if (environment == NULL || count == MOST)
            return 2;
        memcpy(environment, argv + i + 1, (size_t)assigned * sizeof *environment);
        variants[count++] = (struct variant){environment, argv + i + 1 + assigned};
    }
    for (int round = 0; round < rounds; round++) {
        uint64_t spent[MOST];

        /* Another one begins each time: none always follows the same. */
        for (int i = 0; i < count; i++) {
            int turn = (round + i) % count;

            spent[turn] = run(&variants[turn]);
        }
        for (int i = 0; i < count; i++)
            printf("%llu%c", (unsigned long long)spent[i], i + 1 < count ? ' ' : '\n');
        fflush(stdout);
    }
    return 0;
}
