/* ppoll and pselect: as poll and select, with a signal mask that holds while they wait. */
#include "victim.h"

static volatile sig_atomic_t alarms;

static void on_alarm(int signal) {
    (void)signal;
    alarms++;
}

static void tell_ppoll(const char *what, int fd, const struct timespec *timeout, const sigset_t *mask) {
    struct pollfd wait = {0, POLLOUT, 0};
    wait.fd = fd;
    tell(what, S(ppoll)(&wait, 1, timeout, mask));
    check("writable", wait.revents == POLLOUT);
}

static void tell_pselect(const char *what, int fd, const struct timespec *timeout, const sigset_t *mask) {
    fd_set out;
    int ready;
    FD_ZERO(&out);
    FD_SET(fd, &out);
    ready = S(pselect)(fd + 1, NULL, &out, NULL, timeout, mask);
    tell(what, ready);
    check("writable", ready > 0 && FD_ISSET(fd, &out));
}

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int fd = stream_to(&to, SOCK_NONBLOCK);
    struct timespec moment = {0, 20000000}, none = {0, 0}, wrong = {0, 1000000000};
    struct sigaction action;
    sigset_t alarm_only, usual, nothing;
    long long begun;
    (void)argc;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    sigaction(SIGALRM, &action, NULL);
    sigemptyset(&nothing);
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    sigprocmask(SIG_BLOCK, &alarm_only, &usual);

    tell("connect", S(connect)(fd, &to.u.any, to.len));
    begun = now_in_ms();
    tell_ppoll("ppoll for a moment", fd, &moment, NULL);
    tell_pselect("pselect for a moment", fd, &moment, NULL);
    check("two moments", now_in_ms() - begun >= 39 && moment.tv_nsec == 20000000);
    tell_ppoll("ppoll at once", fd, &none, NULL);
    tell_pselect("pselect at once", fd, &none, NULL);
    tell_ppoll("ppoll, no time at all", fd, &wrong, NULL);
    tell_pselect("pselect, no time at all", fd, &wrong, NULL);

    raise(SIGALRM);
    tell_ppoll("ppoll, the signal blocked", fd, &moment, &alarm_only);
    printf("alarms: %d\n", (int)alarms);
    tell_ppoll("ppoll, the signal let through", fd, NULL, &nothing);
    printf("alarms: %d\n", (int)alarms);
    raise(SIGALRM);
    tell_pselect("pselect, the signal let through", fd, NULL, &nothing);
    printf("alarms: %d\n", (int)alarms);
    sigprocmask(SIG_BLOCK, NULL, &usual);
    check("the mask is as it was", sigismember(&usual, SIGALRM) == 1);

    open_gate(argv[2]);
    tell_ppoll("ppoll", fd, NULL, &alarm_only);
    tell_pselect("pselect", fd, NULL, &alarm_only);
    printf("SO_ERROR: %d\n", socket_error(fd));
    check_echo(fd);
    return S(close)(fd);
}
