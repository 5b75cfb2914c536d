/* A second of calls in a signal handler, which interrupts malloc and calls of ours wherever they are. */
#include "victim.h"

static address to;
static int fd, pipes[2];
static volatile sig_atomic_t calls, failures;

static void on_alarm(int signal) {
    int saved = errno, copy, file;
    char byte;
    struct pollfd wait = {0, POLLOUT, 0};
    (void)signal;
    calls++;
    copy = S(dup)(fd);
    wait.fd = copy;
    if (copy < 0 || S(poll)(&wait, 1, 0) != 1 || S(close)(copy) != 0)
        failures++;
    if (S(write)(pipes[1], "x", 1) != 1 || S(read)(pipes[0], &byte, 1) != 1)
        failures++;
    /* Another one on its way, and given up. */
    copy = socket(to.u.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    file = open("/dev/null", O_WRONLY);
    if (S(dup2)(copy, file) != file || S(close)(copy) != 0 || S(close)(file) != 0)
        failures++;
    if (S(send)(fd, "from the handler\n", 17, MSG_DONTWAIT) != 17)
        failures++;
    errno = saved;
}

int main(int argc, char **argv) {
    struct sigaction action;
    struct itimerval timer;
    long long begun = now_in_ms();
    int expected, others = 0, own;
    (void)argc;
    to = parse(argv[1]);
    fd = connected_to(&to);
    if (pipe(pipes) != 0)
        die("pipe");
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    memset(&timer, 0, sizeof timer);
    timer.it_value.tv_usec = timer.it_interval.tv_usec = 500;
    setitimer(ITIMER_REAL, &timer, NULL);
    /* Longer where all is slow. */
    while (now_in_ms() - begun < 1000 || (calls <= 100 && now_in_ms() - begun < 15000)) {
        void *some = malloc(1 + (size_t)rand() % 5000), *more;
        own = S(dup)(fd);
        more = malloc(100000);
        if (own < 0 || S(close)(own) != 0)
            others++;
        free(some);
        free(more);
    }
    memset(&timer, 0, sizeof timer);
    setitimer(ITIMER_REAL, &timer, NULL);
    /* One that is on its way comes later or never. */
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGALRM);
    sigprocmask(SIG_BLOCK, &action.sa_mask, NULL);
    check("often", calls > 100);
    printf("failures: %d and %d\n", (int)failures, others);
    for (expected = calls; expected > 0; expected--)
        if (strcmp(read_line(fd), "from the handler") != 0)
            break;
    printf("lines that are missing: %d\n", expected);
    check_echo(fd);
    return S(close)(fd);
}
