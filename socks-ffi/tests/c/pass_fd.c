/* A connected socket is sent over a Unix socket: within the process, to a child, and to a program of its own. */
#include "victim.h"

#include <sys/wait.h>

static void send_fd(int way, int fd) {
    char room[CMSG_SPACE(sizeof fd)], byte = 'x';
    struct iovec part = {&byte, 1};
    struct msghdr message;
    struct cmsghdr *control;
    memset(room, 0, sizeof room);
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = room;
    message.msg_controllen = sizeof room;
    control = CMSG_FIRSTHDR(&message);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(control), &fd, sizeof fd);
    if (S(sendmsg)(way, &message, 0) != 1)
        die("sendmsg");
}

static int receive_fd(int way) {
    char room[CMSG_SPACE(sizeof(int))], byte;
    struct iovec part = {&byte, 1};
    struct msghdr message;
    int fd;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = room;
    message.msg_controllen = sizeof room;
    if (S(recvmsg)(way, &message, MSG_CMSG_CLOEXEC) != 1 || CMSG_FIRSTHDR(&message) == NULL)
        die("recvmsg");
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

static void use_received(const char *who, int way) {
    int fd = receive_fd(way);
    printf("%s: close-on-exec: %s\n", who, fcntl(fd, F_GETFD) & FD_CLOEXEC ? "yes" : "no");
    tell_poll(who, fd, POLLIN | POLLOUT, 0);
    tell_select(who, fd, 0);
    printf("%s: SO_ERROR: %d\n", who, socket_error(fd));
    check("it has a peer", peer_name(fd).len != 0);
    printf("%s: %s\n", who, ask(fd, "from where it was sent to"));
    tell(who, S(close)(fd));
    fflush(stdout);
}

int main(int argc, char **argv) {
    address to = parse(argv[1]);
    int fd, pair[2], received, status;
    char number[16];
    pid_t pid;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 2) {
        use_received("program", atoi(argv[2]));
        return 0;
    }
    fd = connected_to(&to);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        die("socketpair");

    send_fd(pair[0], fd);
    received = receive_fd(pair[1]);
    check("another number", received != fd);
    printf("here: %s\n", ask(received, "by the one that came"));
    printf("here: %s\n", ask(fd, "by the one that was sent"));
    tell("close the one that was sent", S(close)(fd));
    printf("here: %s\n", ask(received, "by the one that came, alone"));
    fd = received;

    send_fd(pair[0], fd);
    pid = fork();
    if (pid == 0) {
        S(close)(fd);
        use_received("child", pair[1]);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    check("the child ended well", status == 0);

    send_fd(pair[0], fd);
    snprintf(number, sizeof number, "%d", pair[1]);
    pid = fork();
    if (pid == 0) {
        execl(argv[0], argv[0], argv[1], number, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    check("the program ended well", status == 0);
    /* One that nobody takes is closed with the way there. */
    send_fd(pair[0], fd);
    S(close)(pair[0]);
    S(close)(pair[1]);
    check_echo(fd);
    return S(close)(fd);
}
