#include "soak_watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "soak.h"

/* Seconds without a single connection done; longer than the timeout in the socksrc. */
enum { PATIENCE = 45, SHOWN = 40 };

/* What is done in a slot; may be torn, being for a human. */
struct note {
    _Atomic(const char *) what;
    atomic_ullong number;
};

static struct note *notes;
static unsigned slots;
static uint64_t (*progress)(void);
static pthread_mutex_t printing = PTHREAD_MUTEX_INITIALIZER;

void doing(unsigned slot, const struct plan *plan, const char *what)
{
    atomic_store(&notes[slot].number, plan->number);
    atomic_store(&notes[slot].what, what);
}

/* The contents of a small file, without the end of the line; empty if it cannot be read. Takes no memory. */
static void read_file(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, text, room - 1);

    text[got > 0 ? got : 0] = 0;
    text[strcspn(text, "\n")] = 0;
    if (fd >= 0)
        close(fd);
}

static void show_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;

    while (tasks != NULL && (task = readdir(tasks)) != NULL) {
        char path[300], wchan[80], syscall[200];

        if (task->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/wchan", task->d_name);
        read_file(path, wchan, sizeof wchan);
        snprintf(path, sizeof path, "/proc/self/task/%s/syscall", task->d_name);
        read_file(path, syscall, sizeof syscall);
        fprintf(stderr, "  thread %s: waits in %s, system call %s\n", task->d_name, wchan, syscall);
    }
    if (tasks != NULL)
        closedir(tasks);
}

static void hang(uint64_t so_far)
{
    unsigned shown = 0;

    fprintf(stderr, "hangs after %llu connections: none was done for %d s\n", (unsigned long long)so_far, PATIENCE);
    for (unsigned slot = 0; slot < slots && shown < SHOWN; slot++) {
        const char *what = atomic_load(&notes[slot].what);

        if (what != NULL) {
            fprintf(stderr, "  slot %u: connection %llu, %s\n", slot, atomic_load(&notes[slot].number), what);
            shown++;
        }
    }
    show_threads();
    _exit(3);
}

static void *watch(void *unused)
{
    uint64_t before = 0;
    int still = 0;

    for (;;) {
        struct timespec second = {1, 0};
        uint64_t now;

        nanosleep(&second, NULL);
        now = progress();
        still = now == before ? still + 1 : 0;
        before = now;
        if (still >= PATIENCE)
            hang(now);
    }
    return unused;
}

void start_watchdog(unsigned at_once, uint64_t (*total)(void))
{
    pthread_t thread;

    slots = at_once;
    progress = total;
    notes = calloc(at_once, sizeof *notes);
    if (notes == NULL || pthread_create(&thread, NULL, watch, NULL) != 0) {
        fputs("no watchdog\n", stderr);
        exit(2);
    }
}

int crosses(uint64_t so_far, uint64_t connections, unsigned samples)
{
    static atomic_uint taken;
    unsigned due = (unsigned)(so_far * samples / (connections ? connections : 1)), before = atomic_load(&taken);

    while (before < due)
        if (atomic_compare_exchange_weak(&taken, &before, due))
            return 1;
    return 0;
}

static int descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;
    int count = 0;

    if (folder == NULL)
        return -1;
    while ((entry = readdir(folder)) != NULL)
        count += entry->d_name[0] != '.';
    closedir(folder);
    /* Without that of the folder. */
    return count - 1;
}

void print_sample(const char *what, const unsigned long long *counts, int number)
{
    struct mallinfo2 heap = mallinfo2();
    char text[128];
    long pages = 0;

    pthread_mutex_lock(&printing);
    read_file("/proc/self/statm", text, sizeof text);
    if (sscanf(text, "%*d %ld", &pages) != 1)
        pages = 0;
    printf("%s", what);
    for (int i = 0; i < number; i++)
        printf(" %llu", counts[i]);
    printf(" %ld %zu %d\n", pages * (sysconf(_SC_PAGESIZE) / 1024), heap.uordblks + heap.hblkhd, descriptors());
    fflush(stdout);
    pthread_mutex_unlock(&printing);
}
