/* IPV6_V6ONLY, as it was set before the connect: still so after it. */
#include "victim.h"

static int v6only(int fd) {
    int value = -1;
    socklen_t len = sizeof value;
    if (S(getsockopt)(fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, &len) != 0 || len != sizeof value)
        die("getsockopt");
    return value;
}

int main(int argc, char **argv) {
    address to = parse(argv[1]), mapped = parse(argv[2]), peer;
    int on;
    (void)argc;
    for (on = 0; on < 2; on++) {
        int fd = stream_to(&to, 0);
        if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
            die("setsockopt");
        printf("before: %d\n", v6only(fd));
        tell("connect", S(connect)(fd, &to.u.any, to.len));
        printf("after: %d\n", v6only(fd));
        peer = peer_name(fd);
        check("the peer is the target", strcmp(show(&peer), argv[1]) == 0);
        check_echo(fd);
        S(close)(fd);

        fd = stream_to(&to, SOCK_NONBLOCK);
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        tell("connect", S(connect)(fd, &to.u.any, to.len));
        printf("on its way: %d\n", v6only(fd));
        tell_poll("poll", fd, POLLOUT, -1);
        printf("after: %d\n", v6only(fd));
        S(close)(fd);
    }
    on = 1;
    {
        int fd = stream_to(&to, 0);
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        tell("an IPv4 address", S(connect)(fd, &mapped.u.any, mapped.len));
        S(close)(fd);
    }
    return 0;
}
