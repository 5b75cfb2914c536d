/* select with sets wider than FD_SETSIZE, over sockets on their way and connected, pipes and files. */
#include "victim.h"

#include <sys/resource.h>

enum { WIDTH = 4096, BITS = 8 * (int)sizeof(long) };

typedef struct {
    long bits[WIDTH / BITS];
} wide_set;

static void put(wide_set *set, int fd) { set->bits[fd / BITS] |= (long)(1UL << (fd % BITS)); }
static int has(const wide_set *set, int fd) { return (set->bits[fd / BITS] & (long)(1UL << (fd % BITS))) != 0; }

/* The compiler may look at the pointer's type, and the library must not. */
static int wide_select(int count, wide_set *in, wide_set *out, long ms) {
    struct timeval timeout;
    timeout.tv_sec = ms / 1000;
    timeout.tv_usec = ms % 1000 * 1000;
    return S(select)(count, (fd_set *)(void *)in, (fd_set *)(void *)out, NULL, ms < 0 ? NULL : &timeout);
}

static int high(int fd, int number) {
    if (S(dup2)(fd, number) != number)
        die("dup2");
    S(close)(fd);
    return number;
}

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int fd, pipes[2], file, ready;
    wide_set in, out;
    struct rlimit limit;
    struct pollfd waits[3];
    (void)argc;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < WIDTH)
        die("RLIMIT_NOFILE");
    limit.rlim_cur = WIDTH;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (pipe(pipes) != 0)
        die("pipe");
    fd = high(stream_to(&to, SOCK_NONBLOCK), 3000);
    file = high(open("/dev/null", O_RDWR), 2000);
    pipes[0] = high(pipes[0], 4000);
    tell("connect", S(connect)(fd, &to.u.any, to.len));

    memset(&in, 0, sizeof in);
    memset(&out, 0, sizeof out);
    put(&in, pipes[0]);
    put(&out, fd);
    tell("on its way", wide_select(WIDTH, &in, &out, 20));
    check("both sets are empty", !has(&in, pipes[0]) && !has(&out, fd));
    put(&in, file);
    put(&in, pipes[0]);
    put(&out, fd);
    tell("a file is always ready", wide_select(WIDTH, &in, &out, -1));
    check("the file alone", has(&in, file) && !has(&in, pipes[0]) && !has(&out, fd));
    memset(&in, 0, sizeof in);
    put(&out, fd);
    put(&in, pipes[0]);
    /* As far as a word of the set that the socket is not in. */
    tell("not as far as that", wide_select(3000 / BITS * BITS, &in, &out, 0));
    check("what is beyond is left alone", has(&out, fd));
    waits[0].fd = fd;
    waits[0].events = POLLOUT;
    waits[1].fd = pipes[0];
    waits[1].events = POLLIN;
    waits[2].fd = file;
    waits[2].events = POLLIN | POLLOUT;
    tell("poll", S(poll)(waits, 3, -1));
    check("the file alone", waits[0].revents == 0 && waits[1].revents == 0 && waits[2].revents == (POLLIN | POLLOUT));

    open_gate(argv[2]);
    memset(&in, 0, sizeof in);
    memset(&out, 0, sizeof out);
    put(&out, fd);
    put(&in, pipes[0]);
    tell("connected", wide_select(WIDTH, &in, &out, -1));
    check("the socket alone", has(&out, fd) && !has(&in, pipes[0]));
    printf("SO_ERROR: %d\n", socket_error(fd));
    if (S(write)(pipes[1], "x", 1) != 1)
        die("write");
    memset(&out, 0, sizeof out);
    put(&in, pipes[0]);
    put(&out, fd);
    put(&in, file);
    ready = wide_select(WIDTH, &in, &out, -1);
    tell("all of them", ready);
    check_echo(fd);
    S(close)(fd);
    memset(&in, 0, sizeof in);
    put(&in, fd);
    tell("a closed one", wide_select(WIDTH, &in, NULL, 0));
    return 0;
}
