/* The less usual ways to move data: not into the talk with the proxy, and as ever once that is over. */
#include "victim.h"

#include <sys/sendfile.h>

static struct iovec line = {(char *)"a line\n", 7};
static char text[64];
static struct iovec room = {text, sizeof text};

static void fill_pipe(int pipes[2]) {
    if (pipe(pipes) != 0 || write(pipes[1], line.iov_base, line.iov_len) != (ssize_t)line.iov_len)
        die("pipe");
}

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int fd = stream_to(&to, SOCK_NONBLOCK), pipes[2], file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct mmsghdr message;
    off_t offset = 0;
    (void)argc;
    if (write(file, line.iov_base, line.iov_len) < 0)
        die("write");
    memset(&message, 0, sizeof message);
    message.msg_hdr.msg_iov = &line;
    message.msg_hdr.msg_iovlen = 1;
    fill_pipe(pipes);
    tell("connect", S(connect)(fd, &to.u.any, to.len));
    tell("sendmmsg", IO(sendmmsg)(fd, &message, 1, 0));
    tell("recvmmsg", IO(recvmmsg)(fd, &message, 1, 0, NULL));
    tell("sendfile", IO(sendfile)(fd, file, &offset, 7));
    tell("splice to it", IO(splice)(pipes[0], NULL, fd, NULL, 7, 0));
    tell("splice from it", IO(splice)(fd, NULL, pipes[1], NULL, 7, 0));
    tell("pwritev2", IO(pwritev2)(fd, &line, 1, -1, 0));
    tell("preadv2", IO(preadv2)(fd, &room, 1, -1, 0));
    open_gate(argv[2]);
    /* A blocking descriptor waits, unless the flags say otherwise. */
    fcntl(fd, F_SETFL, 0);

    tell("sendfile", IO(sendfile)(fd, file, &offset, 7));
    puts(read_line(fd));
    tell("sendmmsg", IO(sendmmsg)(fd, &message, 1, 0));
    puts(read_line(fd));
    tell("splice to it", IO(splice)(pipes[0], NULL, fd, NULL, 7, 0));
    puts(read_line(fd));
    tell("pwritev2", IO(pwritev2)(fd, &line, 1, -1, 0));
    tell("preadv2", IO(preadv2)(fd, &room, 1, -1, 0));
    tell("preadv2, nothing there", IO(preadv2)(fd, &room, 1, -1, RWF_NOWAIT));
    write_line(fd, "more");
    message.msg_hdr.msg_iov = &room;
    tell("recvmmsg", IO(recvmmsg)(fd, &message, 1, 0, NULL));
    printf("of this length: %u\n", message.msg_len);
    write_line(fd, "spliced");
    tell("splice from it", IO(splice)(fd, NULL, pipes[1], NULL, 8, 0));
    tell("through the pipe", read(pipes[0], text, sizeof text));
    tell("preadv2 at an offset", IO(preadv2)(fd, &room, 1, 0, 0));
    return S(close)(fd);
}
