/* MSG_FASTOPEN connects too: by sendto, sendmsg and sendmmsg, which -DSOCKS_REMAP leaves alone; see socks.h. */
#include "victim.h"

int main(int argc, char **argv) {
    address to = parse(argv[1]), peer;
    int fd = stream_to(&to, 0);
    struct msghdr message;
    struct iovec parts[2] = {{(char *)"by ", 3}, {(char *)"sendmsg\n", 8}};
    struct mmsghdr messages[2];
    (void)argc;
    tell("sendto", IO(sendto)(fd, "by sendto\n", 10, MSG_FASTOPEN, &to.u.any, to.len));
    puts(read_line(fd));
    peer = peer_name(fd);
    check("the peer is the target", strcmp(show(&peer), argv[1]) == 0);
    S(close)(fd);

    fd = stream_to(&to, 0);
    memset(&message, 0, sizeof message);
    message.msg_name = &to.u.any;
    message.msg_namelen = to.len;
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    tell("sendmsg", IO(sendmsg)(fd, &message, MSG_FASTOPEN));
    puts(read_line(fd));
    S(close)(fd);

    /* The second one is told that it is connected already. */
    fd = stream_to(&to, 0);
    memset(messages, 0, sizeof messages);
    parts[1].iov_base = (char *)"sendmmsg\n";
    parts[1].iov_len = 9;
    messages[0].msg_hdr = messages[1].msg_hdr = message;
    tell("sendmmsg", IO(sendmmsg)(fd, messages, 2, MSG_FASTOPEN));
    printf("of this length: %u\n", messages[0].msg_len);
    puts(read_line(fd));
    tell("and again", IO(sendmmsg)(fd, messages, 1, MSG_FASTOPEN));
    tell("sendmmsg, no more", IO(sendmmsg)(fd, messages, 2, 0));
    puts(read_line(fd));
    puts(read_line(fd));
    return S(close)(fd);
}
