/* A signal handler without SA_RESTART ends a blocking connect with EINTR; the connection is made none the less. */
#include "victim.h"

static void on_alarm(int signal) { (void)signal; }

static void every_ms(long ms) {
    /* Repeated, as the first one may come before connect waits. */
    struct itimerval timer;
    memset(&timer, 0, sizeof timer);
    timer.it_value.tv_usec = timer.it_interval.tv_usec = ms * 1000;
    setitimer(ITIMER_REAL, &timer, NULL);
}

int main(int argc, char **argv) {
    address to = parse(argv[1]), peer;
    int fd = stream_to(&to, 0), again;
    struct sigaction action;
    (void)argc;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    sigaction(SIGALRM, &action, NULL);
    every_ms(20);
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    tell("connect again", S(connect)(fd, &to.u.any, to.len));
    tell_poll("poll", fd, POLLOUT, -1);
    every_ms(0);
    tell_poll("poll", fd, POLLOUT, 0);
    open_gate(argv[2]);
    tell_poll("poll", fd, POLLOUT, -1);
    printf("SO_ERROR: %d\n", socket_error(fd));
    again = S(connect)(fd, &to.u.any, to.len);
    check("connect again: done", again == 0 || errno == EISCONN);
    peer = peer_name(fd);
    check("the peer is the target", strcmp(show(&peer), argv[1]) == 0);
    check("blocking", (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0);
    check_echo(fd);
    return S(close)(fd);
}
