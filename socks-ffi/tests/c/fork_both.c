/* Parent and child go on with one socket that was on its way when they parted: one of them does the work, both connect. */
#include "victim.h"

#include <sys/epoll.h>
#include <sys/wait.h>

static int shared_epoll;

static void add(int epoll, int fd) {
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.events = EPOLLOUT;
    event.data.u64 = 7;
    if (S(epoll_ctl)(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl");
}

static void wait_for(const char *how, int fd, int is_child) {
    struct epoll_event event;
    int epoll = shared_epoll, ready;
    if (strcmp(how, "epoll") != 0) {
        tell_poll("poll", fd, POLLOUT, -1);
        return;
    }
    /* The child has one of its own, the parent the one that both have. */
    if (is_child)
        add(epoll = epoll_create1(EPOLL_CLOEXEC), fd);
    ready = S(epoll_wait)(epoll, &event, 1, -1);
    printf("epoll_wait: %d, %d\n", ready, ready > 0 ? (int)event.data.u64 : -1);
}

static void go_on(const char *how, int fd, const char *target, int is_child) {
    address peer;
    int error;
    puts(is_child ? "child" : "parent");
    wait_for(how, fd, is_child);
    printf("SO_ERROR: %s\n", error_name(error = socket_error(fd)));
    if (error == 0) {
        peer = peer_name(fd);
        check("the peer is the target", strcmp(show(&peer), target) == 0);
    }
}

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    const char *lever = argv[2], *how = argv[3];
    int fd = stream_to(&to, SOCK_NONBLOCK), status, is_refused = argc > 4;
    pid_t pid;
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    add(shared_epoll = epoll_create1(EPOLL_CLOEXEC), fd);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        if (strcmp(how, "brief") == 0) {
            /* It looks, changes nothing, and ends. */
            tell_poll("child: poll", fd, POLLOUT, 0);
        } else {
            go_on(how, fd, argv[1], 1);
            if (!is_refused)
                check_echo(fd);
        }
        fflush(stdout);
        _exit(0);
    }
    if (strcmp(how, "left") == 0) {
        S(close)(fd);
        open_gate(lever);
        waitpid(pid, &status, 0);
        return status;
    }
    if (strcmp(how, "brief") == 0)
        waitpid(pid, &status, 0);
    open_gate(lever);
    go_on(how, fd, argv[1], 0);
    if (strcmp(how, "brief") != 0)
        waitpid(pid, &status, 0);
    if (!is_refused)
        check_echo(fd);
    S(close)(fd);
    return status;
}
