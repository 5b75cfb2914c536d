/* An allocator of the program's own, which looks at the system in its first call, as jemalloc does: the first calls of
   ours come from within malloc, and must not call it. */
#include "victim.h"

#include <stdint.h>
#include <sys/syscall.h>

/* Nothing is given back. */
static char arena[8 << 20];
static size_t used;
static int inside, asked;

static void ask_the_system(void) {
    char byte;
    struct iovec part;
    struct pollfd wait;
    int fd = (int)IO(syscall)(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC), copy = S(dup)(fd);
    part.iov_base = &byte;
    part.iov_len = 1;
    wait.fd = fd;
    wait.events = POLLIN;
    if (IO(read)(fd, &byte, 1) == 0 && IO(readv)(fd, &part, 1) == 0 && IO(write)(fd, "", 1) == 1
        && IO(syscall)(SYS_read, fd, &byte, 1) == 0 && S(poll)(&wait, 1, 0) == 1
        && IO(syscall)(SYS_close, copy) == 0 && S(close)(fd) == 0)
        asked++;
}

static void *take(size_t size, size_t alignment) {
    size_t from;
    if (inside) {
        static const char why[] = "malloc within malloc\n";
        syscall(SYS_write, 2, why, sizeof why - 1);
        _exit(1);
    }
    if (used == 0) {
        inside = 1;
        ask_the_system();
        inside = 0;
    }
    /* The size is kept before the block. */
    from = used + sizeof size;
    from += (alignment - (uintptr_t)(arena + from) % alignment) % alignment;
    if (size > sizeof arena - from) {
        errno = ENOMEM;
        return NULL;
    }
    memcpy(arena + from - sizeof size, &size, sizeof size);
    used = from + size;
    return arena + from;
}

void *malloc(size_t size) {
    return take(size, 16);
}

void free(void *block) {
    (void)block;
}

void *calloc(size_t count, size_t size) {
    if (size != 0 && count > sizeof arena / size) {
        errno = ENOMEM;
        return NULL;
    }
    /* The arena was never used before. */
    return take(count * size, 16);
}

void *realloc(void *old, size_t size) {
    void *block = take(size, 16);
    size_t old_size;
    if (block != NULL && old != NULL) {
        memcpy(&old_size, (char *)old - sizeof old_size, sizeof old_size);
        memcpy(block, old, old_size < size ? old_size : size);
    }
    return block;
}

void *aligned_alloc(size_t alignment, size_t size) {
    return take(size, alignment);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    *block = take(size, alignment);
    return *block == NULL ? ENOMEM : 0;
}

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int fd;
    (void)argc;
    free(malloc(1));
    check("asked once", asked == 1);
    fd = connected_to(&to);
    check_echo(fd);
    return S(close)(fd);
}
