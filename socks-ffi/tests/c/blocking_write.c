/* A blocking write, and a blocking connect, to a socket that is on its way wait until the connection is made. */
#include "victim.h"

static const char *lever;
static volatile sig_atomic_t ticks;

static void on_alarm(int signal) {
    int saved = errno;
    (void)signal;
    if (++ticks == 2)
        open_gate(lever);
    errno = saved;
}

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int fd = stream_to(&to, SOCK_NONBLOCK);
    struct sigaction action;
    struct itimerval timer;
    (void)argc;
    lever = argv[2];
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    memset(&timer, 0, sizeof timer);
    timer.it_value.tv_usec = timer.it_interval.tv_usec = 20000;
    setitimer(ITIMER_REAL, &timer, NULL);
    tell("send, not to wait", IO(send)(fd, "early\n", 6, MSG_DONTWAIT));
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    if (strcmp(argv[3], "write") == 0)
        tell("write", IO(write)(fd, "as soon as it can be\n", 21));
    else
        tell("connect", S(connect)(fd, &to.u.any, to.len));
    check("after the gate was opened", ticks >= 2);
    memset(&timer, 0, sizeof timer);
    setitimer(ITIMER_REAL, &timer, NULL);
    if (strcmp(argv[3], "write") == 0)
        puts(read_line(fd));
    check_echo(fd);
    return S(close)(fd);
}
