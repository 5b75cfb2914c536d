/*
 * The C side of tests/conformance.rs: a negotiation for each line of the input, in a process of its own, since the
 * library reads its configuration once.
 *
 *     connect HOW SOCKSRC HOST PORT      HOST in hexadecimal
 *     bind HOW SOCKSRC
 *
 * HOW is "blocking" or "poll". Answers "ok LOCAL PEER BYTES", the last in hexadecimal with a dot before, or "errno NAME".
 */
#include "victim.h"

#include <netdb.h>
#include <sys/wait.h>

static int is_polled;

static void fail(void) {
    printf("errno %s\n", error_name(errno));
    fflush(stdout);
    _exit(0);
}

static void wait_for(int fd, short events) {
    struct pollfd one;
    one.fd = fd;
    one.events = events;
    if (S(poll)(&one, 1, 20000) != 1)
        die("poll");
}

static address resolved(const char *hex, const char *port) {
    struct addrinfo hints, *list;
    char host[256];
    address to;
    size_t len = 0;
    unsigned octet;
    int outcome;
    for (; len < sizeof host - 1 && sscanf(hex, "%2x", &octet) == 1; hex += 2)
        host[len++] = (char)octet;
    host[len] = 0;
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    outcome = S(getaddrinfo)(host, port, &hints, &list);
    if (outcome != 0) {
        printf("name %s\n", gai_strerror(outcome));
        fflush(stdout);
        _exit(0);
    }
    memset(&to, 0, sizeof to);
    to.len = list->ai_addrlen;
    memcpy(&to.u, list->ai_addr, to.len);
    freeaddrinfo(list);
    return to;
}

static int connected(const address *to) {
    int fd = stream_to(to, is_polled ? SOCK_NONBLOCK : 0);
    if (S(connect)(fd, &to->u.any, to->len) == 0)
        return fd;
    if (!is_polled || errno != EINPROGRESS)
        fail();
    wait_for(fd, POLLOUT);
    errno = socket_error(fd);
    if (errno != 0)
        fail();
    return fd;
}

static int listening(void) {
    address anybody = parse("0.0.0.0:0");
    int fd = stream_to(&anybody, is_polled ? SOCK_NONBLOCK : 0);
    if (S(bind)(fd, &anybody.u.any, anybody.len) != 0)
        fail();
    /* Has the proxy asked, and waits for its first answer. */
    anybody = local_name(fd);
    if (S(listen)(fd, 1) != 0)
        fail();
    return fd;
}

static int accepted(int fd, address *from) {
    int data;
    from->len = sizeof from->u;
    if (is_polled)
        wait_for(fd, POLLIN);
    data = S(accept)(fd, &from->u.any, &from->len);
    if (data < 0)
        fail();
    return data;
}

static void run(char **words) {
    address local, peer;
    int listener = -1, fd;
    ssize_t len;
    unsigned char bytes[256];
    is_polled = strcmp(words[1], "poll") == 0;
    setenv("SOCKSRC", words[2], 1);
    if (strcmp(words[0], "bind") == 0) {
        listener = listening();
        local = local_name(listener);
        fd = accepted(listener, &peer);
    } else {
        address to = resolved(words[3], words[4]);
        fd = connected(&to);
        local = local_name(fd);
        peer = peer_name(fd);
    }
    printf("ok %s %s .", show(&local), show(&peer));
    for (;;) {
        ssize_t i;
        len = S(read)(fd, bytes, sizeof bytes);
        if (len < 0 && errno == EAGAIN) {
            wait_for(fd, POLLIN);
            continue;
        }
        if (len <= 0)
            break;
        for (i = 0; i < len; i++)
            printf("%02x", bytes[i]);
    }
    printf("%s\n", len < 0 ? " cut off" : "");
    S(close)(fd);
    if (listener >= 0)
        S(close)(listener);
}

int main(void) {
    char line[1024];
    while (fgets(line, sizeof line, stdin)) {
        char *words[5] = {"", "", "", "", ""};
        int count = 0, status;
        char *word;
        pid_t child;
        for (word = strtok(line, " \n"); word && count < 5; word = strtok(NULL, " \n"))
            words[count++] = word;
        child = fork();
        if (child < 0)
            die("fork");
        if (child == 0) {
            run(words);
            fflush(stdout);
            _exit(0);
        }
        if (waitpid(child, &status, 0) != child)
            die("waitpid");
        if (status != 0) {
            printf("died of %d\n", status);
            fflush(stdout);
        }
    }
    return 0;
}
