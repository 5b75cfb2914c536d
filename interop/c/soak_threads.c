/*
 * Connections through a proxy by 32 threads, each with one at a time: most by a blocking connect(2), some by one that
 * poll(2) or select(2) waits for. See soak.h.
 */

#include "soak.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

enum { THREADS = 32, PIECE = 16384 };

/* Which of the choices do not block. */
static int is_nonblocking(const struct plan *plan)
{
    return plan->abandoned || plan->choice >= 5;
}

/* Waits until it can be written to. */
static int wait_for(int fd, int by_select)
{
    struct pollfd entry = {fd, POLLOUT, 0};
    fd_set set;

    if (!by_select)
        return poll(&entry, 1, -1);
    FD_ZERO(&set);
    FD_SET(fd, &set);
    return select(fd + 1, NULL, &set, NULL, NULL);
}

/* Connects; 0, or an errno. What does not block does when this returns. */
static int connect_it(const struct plan *plan, int *fd)
{
    const struct sockaddr *to = (const struct sockaddr *)&plan->to;
    int error = connect(*fd, to, plan->to_length) == 0 ? 0 : errno, flags;
    socklen_t length = sizeof error;

    if (!is_nonblocking(plan) || error != EINPROGRESS)
        return error;
    if (plan->duplicated && (*fd = duplicate(plan, *fd)) < 0)
        return -1;
    if (wait_for(*fd, plan->choice == 7) != 1)
        return errno;
    if (getsockopt(*fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        return errno;
    if (error == 0 && ((flags = fcntl(*fd, F_GETFL)) < 0 || fcntl(*fd, F_SETFL, flags & ~O_NONBLOCK) != 0))
        return errno;
    return error;
}

/* Begins a connect, moves it on a little, and gives it up. */
static void abandon(const struct plan *plan, int fd)
{
    struct pollfd entry = {fd, POLLOUT, 0};

    if (connect(fd, (const struct sockaddr *)&plan->to, plan->to_length) != 0 && errno != EINPROGRESS) {
        failed(plan, "connect, to be abandoned", errno);
        close(fd);
        return;
    }
    if (plan->duplicated && (entry.fd = fd = duplicate(plan, fd)) < 0)
        return;
    for (unsigned i = 0; i < plan->choice; i++)
        if (poll(&entry, 1, i % 2) < 0) {
            failed(plan, "poll", errno);
            close(fd);
            return;
        }
    if (close(fd) != 0)
        failed(plan, "close", errno);
    else
        done(plan, ABANDONED);
}

static int send_all(const struct plan *plan, int fd, unsigned char *piece)
{
    for (uint32_t sent = 0; sent < plan->length;) {
        uint32_t length = plan->length - sent < PIECE ? plan->length - sent : PIECE;
        ssize_t n;

        content(plan, sent, piece, length);
        n = send(fd, piece, length, MSG_NOSIGNAL);
        if (n < 0) {
            failed(plan, "send", errno);
            return 0;
        }
        sent += (uint32_t)n;
    }
    return 1;
}

static int receive_all(const struct plan *plan, int fd, unsigned char *piece, unsigned char *expected)
{
    uint32_t received = 0;

    while (received < plan->length) {
        ssize_t n = plan->choice % 2 ? recv(fd, piece, PIECE, 0) : read(fd, piece, PIECE);

        if (n <= 0) {
            failed(plan, n < 0 ? "recv" : "the end before the echo", n < 0 ? errno : 0);
            return 0;
        }
        if ((uint32_t)n > plan->length - received) {
            failed(plan, "more than was sent comes back", 0);
            return 0;
        }
        content(plan, received, expected, (uint32_t)n);
        if (memcmp(piece, expected, (size_t)n) != 0) {
            failed(plan, "something else comes back", 0);
            return 0;
        }
        received += (uint32_t)n;
    }
    return 1;
}

/* The end, where the target is to close. */
static int receive_end(const struct plan *plan, int fd)
{
    unsigned char byte;
    ssize_t n;

    if (plan->end != END_HALF && plan->end != END_THEIRS)
        return 1;
    n = recv(fd, &byte, 1, 0);
    if (n != 0)
        failed(plan, n < 0 ? "recv of the end" : "a byte in place of the end", n < 0 ? errno : 0);
    return n == 0;
}

static int exchange(unsigned slot, const struct plan *plan, int fd, unsigned char *piece, unsigned char *expected)
{
    doing(slot, plan, "send");
    if (!send_all(plan, fd, piece))
        return 0;
    if (plan->end == END_HALF && shutdown(fd, SHUT_WR) != 0) {
        failed(plan, "shutdown", errno);
        return 0;
    }
    doing(slot, plan, "recv");
    return receive_all(plan, fd, piece, expected) && receive_end(plan, fd);
}

static void one(unsigned slot, const struct plan *plan, unsigned char *piece, unsigned char *expected)
{
    int fd = plan_socket(plan, is_nonblocking(plan) ? SOCK_NONBLOCK : 0), error;

    if (fd < 0)
        return;
    if (plan->abandoned) {
        doing(slot, plan, "abandon");
        abandon(plan, fd);
        return;
    }
    doing(slot, plan, is_nonblocking(plan) ? "connect, not blocking" : "connect");
    error = connect_it(plan, &fd);
    if (fd < 0)
        return;
    if (error != 0 || plan->refused) {
        close(fd);
        if (plan->refused && error == ECONNREFUSED)
            done(plan, REFUSED);
        else
            failed(plan, "connect", error);
        return;
    }
    if (plan->duplicated && !is_nonblocking(plan) && (fd = duplicate(plan, fd)) < 0)
        return;
    if (!has_right_peer(plan, fd) || !exchange(slot, plan, fd, piece, expected)) {
        close(fd);
        return;
    }
    doing(slot, plan, "close");
    if (end_connection(plan, fd))
        done(plan, ECHOED);
}

static void *work(void *slot)
{
    unsigned char piece[PIECE], expected[PIECE];
    struct plan plan;

    while (next_plan(&plan))
        one(*(unsigned *)slot, &plan, piece, expected);
    doing(*(unsigned *)slot, &plan, NULL);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    unsigned slots[THREADS];

    soak_begin(argc, argv, THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        slots[i] = i;
        if (pthread_create(&threads[i], NULL, work, &slots[i]) != 0) {
            fputs("pthread_create\n", stderr);
            return 2;
        }
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return soak_end();
}
