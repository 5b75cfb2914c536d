/* A signal handler with SA_RESTART does not end a blocking connect; it may use sockets of its own meanwhile. */
#include "victim.h"

static const char *lever;
static volatile sig_atomic_t ticks;

static void on_alarm(int signal) {
    int saved = errno;
    (void)signal;
    if (++ticks == 3)
        open_gate(lever);
    errno = saved;
}

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int fd = stream_to(&to, 0);
    struct sigaction action;
    struct itimerval timer;
    (void)argc;
    lever = argv[2];
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    memset(&timer, 0, sizeof timer);
    timer.it_value.tv_usec = timer.it_interval.tv_usec = 20000;
    setitimer(ITIMER_REAL, &timer, NULL);
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    memset(&timer, 0, sizeof timer);
    setitimer(ITIMER_REAL, &timer, NULL);
    check("after three signals", ticks >= 3);
    check_echo(fd);
    return S(close)(fd);
}
