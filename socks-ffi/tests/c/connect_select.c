/* A non-blocking connect while the proxy has not answered, and after: by select. */
#include "victim.h"

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int fd = stream_to(&to, SOCK_NONBLOCK), pipes[2];
    fd_set out, in;
    struct timeval left = {0, 60000};
    long long begun;
    (void)argc;
    if (pipe(pipes) != 0)
        die("pipe");
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    tell_select("select", fd, 0);
    begun = now_in_ms();
    tell_select("select for a while", fd, 60);
    check("it took that long", now_in_ms() - begun >= 60);

    /* Others are ready while this one is not, and nothing of the time is used up. */
    FD_ZERO(&out);
    FD_SET(fd, &out);
    FD_SET(pipes[1], &out);
    left.tv_sec = 100;
    left.tv_usec = 0;
    tell("a pipe is writable", S(select)(pipes[1] + 1, NULL, &out, NULL, &left));
    check("the pipe and not the socket", FD_ISSET(pipes[1], &out) && !FD_ISSET(fd, &out));
    check("the time left is written back", left.tv_sec >= 90 && left.tv_sec <= 100);

    FD_ZERO(&in);
    FD_SET(pipes[0], &in);
    FD_SET(fd, &in);
    left.tv_sec = 0;
    left.tv_usec = 30000;
    tell("nothing is readable", S(select)(pipes[1] + 1, &in, NULL, NULL, &left));
    check("and the sets are empty", !FD_ISSET(pipes[0], &in) && !FD_ISSET(fd, &in));
    check("and no time is left", left.tv_sec == 0 && left.tv_usec == 0);

    open_gate(argv[2]);
    tell_select("select", fd, -1);
    tell("SO_ERROR", socket_error(fd));
    check_echo(fd);
    S(close)(fd);
    FD_ZERO(&in);
    FD_SET(fd, &in);
    left.tv_sec = 0;
    tell("select on a closed one", S(select)(fd + 1, &in, NULL, NULL, &left));
    return 0;
}
