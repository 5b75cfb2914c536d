/*
 * Connections through a proxy by one thread and one epoll, several hundred at once. See soak.h.
 *
 * The choice says how they are registered: 0 and 1 before the connect, 2 to 4 edge-triggered and once for all, the others
 * level-triggered for what is wanted next.
 */

#include "soak.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { AT_ONCE = 300, EVENTS = 128, PIECE = 16384 };

struct slot {
    struct plan plan;
    int fd; /* -1: free */
    int is_connected;
    uint32_t sent, received;
    unsigned rounds; /* how often to wait until it is abandoned */
};

static struct slot slots[AT_ONCE];
static unsigned char piece[PIECE], expected[PIECE];
static int poller;

static unsigned index_of(const struct slot *slot)
{
    return (unsigned)(slot - slots);
}

static void give_up(struct slot *slot, const char *what, int error)
{
    close(slot->fd);
    slot->fd = -1;
    failed(&slot->plan, what, error);
}

static int has_edges(const struct plan *plan)
{
    return plan->choice >= 2 && plan->choice <= 4;
}

static int control(struct slot *slot, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = slot};

    if (epoll_ctl(poller, operation, slot->fd, &event) == 0)
        return 1;
    give_up(slot, "epoll_ctl", errno);
    return 0;
}

/* Registers it; for both ways at once where there are edges. */
static int add(struct slot *slot)
{
    return control(slot, EPOLL_CTL_ADD, has_edges(&slot->plan) ? EPOLLIN | EPOLLOUT | EPOLLET : EPOLLOUT);
}

static void start(struct slot *slot, const struct plan *plan)
{
    int is_early = plan->choice < 2 && !plan->duplicated;

    *slot = (struct slot){.plan = *plan, .fd = plan_socket(plan, SOCK_NONBLOCK), .rounds = plan->choice / 2};
    if (slot->fd < 0 || (is_early && !add(slot)))
        return;
    doing(index_of(slot), plan, plan->abandoned ? "abandon" : "connect");
    if (connect(slot->fd, (const struct sockaddr *)&plan->to, plan->to_length) != 0 && errno != EINPROGRESS) {
        give_up(slot, "connect", errno);
        return;
    }
    if (plan->duplicated && (slot->fd = duplicate(plan, slot->fd)) < 0)
        return;
    if (!is_early)
        add(slot);
}

static int connected(struct slot *slot)
{
    int error = 0;
    socklen_t length = sizeof error;

    if (getsockopt(slot->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        error = errno;
    if (slot->plan.refused && error == ECONNREFUSED) {
        close(slot->fd);
        slot->fd = -1;
        done(&slot->plan, REFUSED);
        return 0;
    }
    if (error != 0 || slot->plan.refused) {
        give_up(slot, "SO_ERROR", error);
        return 0;
    }
    if (!has_right_peer(&slot->plan, slot->fd)) {
        close(slot->fd);
        slot->fd = -1;
        return 0;
    }
    slot->is_connected = 1;
    doing(index_of(slot), &slot->plan, "send and recv");
    return 1;
}

/* Sends what can be sent; 0 if it has failed. */
static int send_more(struct slot *slot)
{
    const struct plan *plan = &slot->plan;

    while (slot->sent < plan->length) {
        uint32_t length = plan->length - slot->sent < PIECE ? plan->length - slot->sent : PIECE;
        ssize_t n;

        content(plan, slot->sent, piece, length);
        n = send(slot->fd, piece, length, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            /* What comes back has to be taken, or there is never room. */
            return has_edges(plan) || control(slot, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
        if (n < 0) {
            give_up(slot, "send", errno);
            return 0;
        }
        slot->sent += (uint32_t)n;
        if (slot->sent < plan->length)
            continue;
        if (plan->end == END_HALF && shutdown(slot->fd, SHUT_WR) != 0) {
            give_up(slot, "shutdown", errno);
            return 0;
        }
        if (!has_edges(plan) && !control(slot, EPOLL_CTL_MOD, EPOLLIN))
            return 0;
    }
    return 1;
}

static void finish(struct slot *slot)
{
    int fd = slot->fd;

    slot->fd = -1;
    if (end_connection(&slot->plan, fd))
        done(&slot->plan, ECHOED);
}

/* Receives what is there, and ends the connection with its last byte. */
static void receive_more(struct slot *slot)
{
    const struct plan *plan = &slot->plan;
    int they_end = plan->end == END_HALF || plan->end == END_THEIRS;

    for (;;) {
        ssize_t n = recv(slot->fd, piece, PIECE, 0);

        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            give_up(slot, "recv", errno);
            return;
        }
        if (n == 0 && (!they_end || slot->received < plan->length)) {
            give_up(slot, "the end before the echo", 0);
            return;
        }
        if (n == 0) {
            finish(slot);
            return;
        }
        if ((uint32_t)n > slot->sent - slot->received) {
            give_up(slot, "more than was sent comes back", 0);
            return;
        }
        content(plan, slot->received, expected, (uint32_t)n);
        if (memcmp(piece, expected, (size_t)n) != 0) {
            give_up(slot, "something else comes back", 0);
            return;
        }
        slot->received += (uint32_t)n;
        if (slot->received == plan->length && !they_end) {
            finish(slot);
            return;
        }
    }
}

static void handle(struct slot *slot, uint32_t events)
{
    /* Abandoned in this round, or to be: its events are nobody's. */
    if (slot->fd < 0 || slot->plan.abandoned)
        return;
    if (!slot->is_connected && (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) || !connected(slot)))
        return;
    if (send_more(slot))
        receive_more(slot);
}

static void abandon(struct slot *slot)
{
    if (slot->rounds-- > 0)
        return;
    if (close(slot->fd) != 0) {
        slot->fd = -1;
        failed(&slot->plan, "close", errno);
        return;
    }
    slot->fd = -1;
    done(&slot->plan, ABANDONED);
}

/* Fills the free slots; how many are in use. */
static unsigned fill(void)
{
    unsigned used = 0;
    struct plan plan;

    for (struct slot *slot = slots; slot < slots + AT_ONCE; slot++) {
        if (slot->fd >= 0 && slot->plan.abandoned)
            abandon(slot);
        while (slot->fd < 0 && next_plan(&plan))
            start(slot, &plan);
        if (slot->fd >= 0)
            used++;
        else
            doing(index_of(slot), &plan, NULL);
    }
    return used;
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];
    int ready;

    soak_begin(argc, argv, AT_ONCE);
    poller = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < AT_ONCE; i++)
        slots[i].fd = -1;
    while (fill() > 0) {
        /* For what is to be abandoned; all else has events. */
        ready = epoll_wait(poller, events, EVENTS, 10);
        if (ready < 0) {
            perror("epoll_wait");
            return 2;
        }
        for (int i = 0; i < ready; i++)
            handle(events[i].data.ptr, events[i].events);
    }
    close(poller);
    return soak_end();
}
