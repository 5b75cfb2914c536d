/* Threads that allocate, load libraries, fork, spawn and connect at once: no lock of any waits for one of another. */
#include "victim.h"

#include <dlfcn.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

enum { MEMORY = 20000, LIBRARIES = 1000, CHILDREN = 60, CONNECTS = 100, THREADS = 6 };

static address to;

static void *use_memory(void *argument) {
    long i;
    for (i = 0; i < MEMORY; i++) {
        void *some = malloc(1 + (size_t)i % 5000), *more = malloc(1 + (size_t)i * 37 % 200000);
        free(some);
        free(more);
    }
    return argument;
}

static void *use_libraries(void *argument) {
    int i;
    for (i = 0; i < LIBRARIES; i++) {
        void *library = dlopen("libm.so.6", RTLD_NOW);
        if (library == NULL || dlsym(library, "cos") == NULL)
            return NULL;
        dlclose(library);
    }
    return argument;
}

/* Between fork and exec a child of a program with threads may do little; what it may, it does. */
static void *use_fork(void *argument) {
    int i, status;
    for (i = 0; i < CHILDREN; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), other = S(dup)(fd);
            S(close)(fd);
            S(dup2)(other, 0);
            S(close)(other);
            execl("/bin/true", "true", (char *)NULL);
            _exit(127);
        }
        if (waitpid(pid, &status, 0) != pid || status != 0)
            return NULL;
    }
    return argument;
}

static void *use_spawn(void *argument) {
    char *arguments[] = {(char *)"true", NULL};
    int i, status;
    for (i = 0; i < CHILDREN; i++) {
        pid_t pid;
        if (posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ) != 0 || waitpid(pid, &status, 0) != pid ||
            status != 0)
            return NULL;
    }
    return argument;
}

static void *use_network(void *argument) {
    int i;
    for (i = 0; i < CONNECTS; i++) {
        int fd = stream_to(&to, SOCK_CLOEXEC | (i % 2 ? SOCK_NONBLOCK : 0)), outcome;
        struct pollfd wait = {0, POLLOUT, 0};
        wait.fd = fd;
        outcome = S(connect)(fd, &to.u.any, to.len);
        if (i % 2 && outcome == -1 && errno == EINPROGRESS && S(poll)(&wait, 1, -1) == 1)
            outcome = socket_error(fd);
        if (outcome != 0 || S(send)(fd, "x\n", 2, 0) != 2)
            return NULL;
        S(close)(fd);
    }
    return argument;
}

int main(int argc, char **argv) {
    void *(*const runs[THREADS])(void *) = {use_memory, use_libraries, use_fork, use_spawn, use_network, use_network};
    static const char *const names[THREADS] = {"memory", "libraries", "fork", "posix_spawn", "connect", "connect"};
    pthread_t threads[THREADS];
    int i;
    (void)argc;
    to = parse(argv[1]);
    /* The very first call of a process looks things up: not a thing to do between fork and exec. */
    S(close)(S(dup)(STDOUT_FILENO));
    for (i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, runs[i], &to) != 0)
            die("pthread_create");
    for (i = 0; i < THREADS; i++) {
        void *good;
        pthread_join(threads[i], &good);
        check(names[i], good != NULL);
    }
    return 0;
}
