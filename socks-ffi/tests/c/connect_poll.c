/* A non-blocking connect while the proxy has not answered, and after: by poll. */
#include "victim.h"

int main(int argc, char **argv) {
    address to = parse(argv[1]), peer;
    int fd = stream_to(&to, SOCK_NONBLOCK), again;
    char byte = 'x';
    struct iovec part;
    struct msghdr message;
    long long begun;
    (void)argc;
    part.iov_base = &byte;
    part.iov_len = 1;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;

    tell("connect", S(connect)(fd, &to.u.any, to.len));
    tell("connect again", S(connect)(fd, &to.u.any, to.len));
    tell_poll("poll", fd, POLLIN | POLLOUT, 0);
    begun = now_in_ms();
    tell_poll("poll for a while", fd, POLLIN | POLLOUT, 60);
    check("it took that long", now_in_ms() - begun >= 60);
    tell_select("select", fd, 20);
    tell("read", IO(read)(fd, &byte, 1));
    tell("readv", IO(readv)(fd, &part, 1));
    tell("recv", IO(recv)(fd, &byte, 1, 0));
    tell("recvfrom", IO(recvfrom)(fd, &byte, 1, 0, NULL, NULL));
    tell("recvmsg", IO(recvmsg)(fd, &message, 0));
    tell("write", IO(write)(fd, &byte, 1));
    tell("writev", IO(writev)(fd, &part, 1));
    tell("send", IO(send)(fd, &byte, 1, 0));
    tell("sendto", IO(sendto)(fd, &byte, 1, 0, NULL, 0));
    tell("sendmsg", IO(sendmsg)(fd, &message, 0));
    peer.len = sizeof peer.u;
    tell("getpeername", S(getpeername)(fd, &peer.u.any, &peer.len));
    tell("SO_ERROR", socket_error(fd));

    open_gate(argv[2]);
    tell_poll("poll", fd, POLLIN | POLLOUT, -1);
    tell("SO_ERROR", socket_error(fd));
    peer = peer_name(fd);
    check("the peer is the target", strcmp(show(&peer), argv[1]) == 0);
    /* Linux says 0 to the first who asks, other systems EISCONN; both mean that it is done. */
    again = S(connect)(fd, &to.u.any, to.len);
    check("connect again: done", again == 0 || errno == EISCONN);
    tell("connect once more", S(connect)(fd, &to.u.any, to.len));
    tell("nothing to read", S(read)(fd, &byte, 1));
    check("still non-blocking", fcntl(fd, F_GETFL) & O_NONBLOCK);
    check_echo(fd);
    return S(close)(fd);
}
