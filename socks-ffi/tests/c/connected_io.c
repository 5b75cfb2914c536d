/* The many forms of reading and writing on a connected socket: all as libc has them. */
#include "victim.h"

#include <sys/ioctl.h>

int main(int argc, char **argv) {
    address to = parse(argv[1]), name;
    int fd = connected_to(&to), on = 1, waiting = -1;
    char text[64], room[128];
    struct iovec parts[3] = {{(char *)"in ", 3}, {(char *)"three ", 6}, {(char *)"parts\n", 6}}, halves[2];
    struct msghdr message;
    struct timespec moment = {0, 0};
    struct mmsghdr several[2];
    (void)argc;
    tell("write nothing", S(write)(fd, "", 0));
    tell("read into nothing", S(read)(fd, text, 0));
    tell("writev", S(writev)(fd, parts, 3));
    tell_poll("the answer", fd, POLLIN, -1);
    while (ioctl(fd, FIONREAD, &waiting) == 0 && waiting < 15)
        usleep(1000);
    printf("to be read: %d\n", waiting);
    memset(text, 0, sizeof text);
    tell("peek", S(recv)(fd, text, 8, MSG_PEEK));
    printf("it is there: %s\n", text);
    tell("peek at all", S(recv)(fd, text, sizeof text, MSG_PEEK | MSG_DONTWAIT));
    halves[0].iov_base = text;
    halves[0].iov_len = 9;
    halves[1].iov_base = text + 32;
    halves[1].iov_len = 6;
    memset(text, 0, sizeof text);
    tell("readv", S(readv)(fd, halves, 2));
    printf("%s|%s", text, text + 32);
    tell("nothing is left", S(recv)(fd, text, 1, MSG_DONTWAIT));
    tell("nothing to peek at", S(recv)(fd, text, 1, MSG_DONTWAIT | MSG_PEEK));
    memset(several, 0, sizeof several);
    tell("recvmmsg of nothing", S(recvmmsg)(fd, several, 2, MSG_DONTWAIT, &moment));

    memset(&message, 0, sizeof message);
    message.msg_iov = parts;
    message.msg_iovlen = 3;
    /* With it, what comes has as control data how much more there is. */
    if (setsockopt(fd, IPPROTO_TCP, TCP_INQ, &on, sizeof on) != 0)
        die("TCP_INQ");
    tell("sendmsg", S(sendmsg)(fd, &message, MSG_NOSIGNAL));
    memset(text, 0, sizeof text);
    memset(&name, 0, sizeof name);
    message.msg_iov = halves;
    halves[0].iov_len = 15;
    message.msg_iovlen = 1;
    message.msg_control = room;
    message.msg_controllen = sizeof room;
    message.msg_name = &name.u;
    message.msg_namelen = sizeof name.u;
    tell("recvmsg", S(recvmsg)(fd, &message, MSG_WAITALL));
    printf("%sflags %x, a name of %d, control data: %s\n", text, (unsigned)message.msg_flags, (int)message.msg_namelen,
           CMSG_FIRSTHDR(&message) != NULL && CMSG_FIRSTHDR(&message)->cmsg_type == TCP_CM_INQ ? "there" : "none");
    S(shutdown)(fd, SHUT_RD);
    tell("after shutdown, write", S(write)(fd, "still\n", 6));
    S(close)(fd);

    fd = connected_to(&to);
    write_line(fd, "the last one");
    tell("shutdown", S(shutdown)(fd, SHUT_WR));
    puts(read_line(fd));
    tell_poll("the end", fd, POLLIN, -1);
    tell("read", S(read)(fd, text, 1));
    tell_poll("both ends", fd, POLLIN | POLLOUT, -1);
    tell("read again", S(read)(fd, text, 1));
    tell("send", S(send)(fd, "x", 1, MSG_NOSIGNAL));
    tell("shutdown of both", (S(shutdown)(fd, SHUT_RDWR) == 0 || errno == ENOTCONN) ? 0 : -1);
    S(close)(fd);

    fd = connected_to(&to);
    check_echo(fd);
    tell("shutdown", S(shutdown)(fd, SHUT_RD));
    tell("read", S(read)(fd, text, 1));
    tell_poll("the end", fd, POLLIN | POLLRDHUP, -1);
    return S(close)(fd);
}
