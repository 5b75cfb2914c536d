/*
 * socks.h - the socket functions, by way of the SOCKS 5 proxies that socksrc(5) names
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Each function is libc's with an R in front: same arguments, same results, same errno. A TCP connection whose
 * destination socksrc(5) sends to a proxy goes there; everything else (other sockets, files, pipes, destinations
 * without a rule) is handed on to libc unchanged. Link with -lsocks.
 *
 * WHAT TO CALL. Once a descriptor was passed to Rconnect, Rbind or Rlisten, pass it to the R functions from there on:
 * above all Rclose, Rdup, Rdup2 and their kin (the library must know which numbers are still the same socket), and Rpoll
 * or Rselect while it is being connected. After the connection is made, read, write, send and recv of libc are right too.
 *
 * SOCKS_REMAP. Defined before this header is included, it turns the names accept, accept4, bind, close, close_range,
 * closefrom, connect, dup, dup2, dup3, fclose, fcntl, getpeername, getsockname, getsockopt, listen, poll, ppoll,
 * pselect, select and shutdown into their R names. These are object-like
 * macros: the address of a function (`ops.connect = connect`) is mapped as well, and nothing goes out past the proxy
 * for want of a parenthesis. The same words as members of structures are renamed along, which is consistent wherever
 * this header comes before the structure's definition; so include it first, or give the compiler `-include socks.h`.
 * The system's headers that declare these functions are included here, before the macros, and so may be included
 * again by anyone. What was declared before the macros under one of the names and is used after them, such as
 * std::bind or std::ofstream::close, does not compile or link: `#undef` the name behind this header in such a file,
 * or leave SOCKS_REMAP alone there and write the R names. The names for I/O (read, write, send, recv and theirs) are
 * never mapped: as macros they break too much, and a connected socket does not need them. sendto,
 * sendmsg and sendmmsg with MSG_FASTOPEN make connections too: such a program has to call the R functions itself, or
 * they go out directly.
 *
 * WAITING. A non-blocking Rconnect returns EINPROGRESS, and the negotiation with the proxy goes on inside Rpoll and
 * Rselect (nothing runs in the background: no thread, no signal). They report the socket as writable when the proxy
 * has answered, not when it was reached. Until then Rread, Rwrite and theirs fail with EAGAIN, where read and write of
 * libc would take part in the negotiation: do not call them on a socket that is not connected yet. Nor use a stdio
 * stream on one: stdio calls libc by names of its own.
 *
 * THREADS. All functions may be called by several threads at once, on one descriptor or on many; none of them holds a
 * lock while it waits. They may be called in signal handlers like libc's, with one exception: the very first call of a
 * process reads the configuration, which allocates memory. SOCKSinit makes that call at a time of your choice.
 *
 * FORK. A child inherits connected sockets and may go on using them. A connect that is not finished is moved on by
 * whichever process waits for it first; the other one learns of the outcome too. Where that process ends before it is
 * done, the connect has failed for the other one (ECONNABORTED). Children of vfork may call Rclose, Rdup2 and exec.
 * After exec a connected socket is an ordinary one, whose getpeername names the proxy.
 *
 * ERRNO. A successful call leaves errno as it was. A refused connection tells why: ECONNREFUSED (reply 1 or 5, or a
 * code that nobody knows), EACCES (not allowed by the proxy or by `strict`, login refused, no method in common, or a
 * configuration with errors), ENETUNREACH, EHOSTUNREACH, ETIMEDOUT, EOPNOTSUPP, EAFNOSUPPORT (replies 3, 4, 6, 7, 8),
 * EPROTO (not a SOCKS 5 proxy), ECONNRESET (closed by the proxy before its answer); with no proxy in reach, the error
 * of the last one tried. Where a non-blocking connect failed, SO_ERROR tells it once, as ever.
 *
 * LIMITS. Rbind through a proxy is for one incoming connection: a second Raccept gets EAGAIN, or waits for ever. The
 * proxy is asked by Rlisten, by Rgetsockname, or by Rbind itself; that one waits for the answer even on a non-blocking
 * descriptor. Rconnect waits for the resolver where the proxy is given by name.
 */
#ifndef courier_socks_h
#define courier_socks_h

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/*
 * How the system spells the pointers to addresses. With _GNU_SOURCE glibc takes any kind of socket address without a
 * cast, and so must these. It does so by an extension, for which -Wpedantic blames whoever calls such a function,
 * unless that is of the system.
 */
#if defined __GLIBC__ && defined _GNU_SOURCE && !defined __cplusplus
#pragma GCC system_header
#endif
#ifdef __GLIBC__
#define courier_socks_addr __SOCKADDR_ARG
#define courier_socks_const_addr __CONST_SOCKADDR_ARG
#define courier_socks_offset __off64_t
#else
#define courier_socks_addr struct sockaddr *
#define courier_socks_const_addr const struct sockaddr *
#define courier_socks_offset off_t
#endif

/* Not every set of names has these; pointers to them do no harm. */
struct __res_state;
struct addrinfo;
struct gaicb;
struct hostent;
struct mmsghdr;
struct sigevent;
struct timespec;

#ifdef __cplusplus
extern "C" {
#endif

/* Reads the configuration now and not at the first connect. Returns 0; the argument is not looked at. */
int SOCKSinit(char *program);

/* Connections. */
int Rconnect(int fd, courier_socks_const_addr addr, socklen_t len);
int Rbind(int fd, courier_socks_const_addr addr, socklen_t len);
int Rlisten(int fd, int backlog);
int Raccept(int fd, courier_socks_addr addr, socklen_t *len);
int Raccept4(int fd, courier_socks_addr addr, socklen_t *len, int flags);
int Rshutdown(int fd, int how);

/* Names: of the target and not of the proxy; of where the proxy connects from or listens for us. */
int Rgetpeername(int fd, courier_socks_addr addr, socklen_t *len);
int Rgetsockname(int fd, courier_socks_addr addr, socklen_t *len);

/* SO_ERROR of a connect through a proxy; all else as ever. */
int Rgetsockopt(int fd, int level, int name, void *value, socklen_t *len);

/* Waiting. */
int Rpoll(struct pollfd *fds, nfds_t count, int timeout);
int Rselect(int count, fd_set *read_set, fd_set *write_set, fd_set *except_set, struct timeval *timeout);
int Rppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask);
int Rpselect(int count, fd_set *read_set, fd_set *write_set, fd_set *except_set, const struct timespec *timeout,
             const sigset_t *mask);
#ifdef __linux__
int Repoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int Repoll_wait(int epoll, struct epoll_event *events, int most, int timeout);
int Repoll_pwait(int epoll, struct epoll_event *events, int most, int timeout, const sigset_t *mask);
int Repoll_pwait2(int epoll, struct epoll_event *events, int most, const struct timespec *timeout,
                  const sigset_t *mask);
#endif

/* Descriptors. */
int Rclose(int fd);
int Rclose_range(unsigned int first, unsigned int last, int flags);
void Rclosefrom(int low);
int Rfclose(FILE *stream);
int Rdup(int fd);
int Rdup2(int from, int to);
int Rdup3(int from, int to, int flags);
int Rfcntl(int fd, int command, ...);

/* Data. */
ssize_t Rpreadv2(int fd, const struct iovec *parts, int count, off_t offset, int flags);
ssize_t Rpwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags);
ssize_t Rread(int fd, void *buf, size_t len);
ssize_t Rreadv(int fd, const struct iovec *parts, int count);
ssize_t Rrecv(int fd, void *buf, size_t len, int flags);
ssize_t Rrecvfrom(int fd, void *buf, size_t len, int flags, courier_socks_addr addr, socklen_t *addr_len);
int Rrecvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *timeout);
ssize_t Rrecvmsg(int fd, struct msghdr *message, int flags);
ssize_t Rsend(int fd, const void *buf, size_t len, int flags);
ssize_t Rsendfile(int to, int from, off_t *offset, size_t count);
int Rsendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags);
ssize_t Rsendmsg(int fd, const struct msghdr *message, int flags);
ssize_t Rsendto(int fd, const void *buf, size_t len, int flags, courier_socks_const_addr addr, socklen_t addr_len);
ssize_t Rsplice(int from, courier_socks_offset *from_offset, int to, courier_socks_offset *to_offset, size_t len,
                unsigned int flags);
ssize_t Rwrite(int fd, const void *buf, size_t len);
ssize_t Rwritev(int fd, const struct iovec *parts, int count);

/* Names, which with `dns remote` the proxy resolves: an address of a private range stands for each. */
int Rgetaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **list);
int Rgetnameinfo(const struct sockaddr *addr, socklen_t len, char *host, socklen_t host_len, char *service,
                 socklen_t service_len, int flags);
struct hostent *Rgethostbyname(const char *name);
struct hostent *Rgethostbyname2(const char *name, int family);
struct hostent *Rgethostbyaddr(const void *addr, socklen_t len, int family);
int Rgethostbyname_r(const char *name, struct hostent *host, char *buffer, size_t len, struct hostent **found,
                     int *why);
int Rgethostbyname2_r(const char *name, int family, struct hostent *host, char *buffer, size_t len,
                      struct hostent **found, int *why);
int Rgethostbyaddr_r(const void *addr, socklen_t addr_len, int family, struct hostent *host, char *buffer,
                     size_t len, struct hostent **found, int *why);

/* Questions to the system's resolver, which with `dns remote` fail. */
int Rgetaddrinfo_a(int mode, struct gaicb **list, int count, struct sigevent *event);
int Rres_query(const char *name, int type_class, int type, unsigned char *answer, int room);
int Rres_search(const char *name, int type_class, int type, unsigned char *answer, int room);
int Rres_querydomain(const char *name, const char *domain, int type_class, int type, unsigned char *answer, int room);
int Rres_send(const unsigned char *message, int len, unsigned char *answer, int room);
int Rres_nquery(struct __res_state *state, const char *name, int type_class, int type, unsigned char *answer,
                int room);
int Rres_nsearch(struct __res_state *state, const char *name, int type_class, int type, unsigned char *answer,
                 int room);
int Rres_nquerydomain(struct __res_state *state, const char *name, const char *domain, int type_class, int type,
                      unsigned char *answer, int room);
int Rres_nsend(struct __res_state *state, const unsigned char *message, int len, unsigned char *answer, int room);

/* connect, close and close_range by their numbers; io_uring_setup says ENOSYS; all else as ever. */
long Rsyscall(long number, ...);

#ifdef __cplusplus
}
#endif

#undef courier_socks_addr
#undef courier_socks_const_addr
#undef courier_socks_offset

#ifdef SOCKS_REMAP
#define accept Raccept
#define accept4 Raccept4
#define bind Rbind
#define close Rclose
#define close_range Rclose_range
#define closefrom Rclosefrom
#define connect Rconnect
#define dup Rdup
#define dup2 Rdup2
#define dup3 Rdup3
#ifdef __linux__
#define epoll_ctl Repoll_ctl
#define epoll_pwait Repoll_pwait
#define epoll_pwait2 Repoll_pwait2
#define epoll_wait Repoll_wait
#endif
#define fclose Rfclose
#define fcntl Rfcntl
#define getaddrinfo Rgetaddrinfo
#define gethostbyaddr Rgethostbyaddr
#define gethostbyaddr_r Rgethostbyaddr_r
#define gethostbyname Rgethostbyname
#define gethostbyname2 Rgethostbyname2
#define gethostbyname2_r Rgethostbyname2_r
#define gethostbyname_r Rgethostbyname_r
#define getnameinfo Rgetnameinfo
#define getpeername Rgetpeername
#define getsockname Rgetsockname
#define getsockopt Rgetsockopt
#define listen Rlisten
#define poll Rpoll
#define ppoll Rppoll
#define pselect Rpselect
#define select Rselect
#define shutdown Rshutdown
#endif

#endif
