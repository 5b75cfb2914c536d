/* A program that clears its environment, which said where the configuration is, and connects then. */
#include "victim.h"

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int fd = stream_to(&to, 0);
    (void)argc;
    unsetenv("SOCKSRC");
    tell("clearenv", clearenv());
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    check_echo(fd);
    S(close)(fd);
    return 0;
}
