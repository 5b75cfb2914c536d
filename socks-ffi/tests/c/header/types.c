/* Each function has the type of libc's: the compiler says so, in every standard and with every set of names. */
#include "socks.h"

#include <resolv.h>
#include <sys/sendfile.h>

#define SAME(name) extern __typeof__(name) R##name

SAME(accept);
SAME(bind);
SAME(close);
SAME(connect);
SAME(dup);
SAME(dup2);
SAME(fcntl);
SAME(fclose);
SAME(getpeername);
SAME(getsockname);
SAME(getsockopt);
SAME(listen);
SAME(poll);
SAME(read);
SAME(readv);
SAME(recv);
SAME(recvfrom);
SAME(recvmsg);
SAME(select);
SAME(send);
SAME(sendmsg);
SAME(sendto);
SAME(shutdown);
SAME(write);
SAME(writev);

#if defined _POSIX_C_SOURCE && _POSIX_C_SOURCE >= 200112L
SAME(getaddrinfo);
SAME(getnameinfo);
SAME(pselect);
#endif

#ifdef _GNU_SOURCE
SAME(accept4);
SAME(close_range);
SAME(closefrom);
SAME(dup3);
SAME(getaddrinfo_a);
SAME(gethostbyaddr);
SAME(gethostbyaddr_r);
SAME(gethostbyname);
SAME(gethostbyname2);
SAME(gethostbyname2_r);
SAME(gethostbyname_r);
SAME(ppoll);
SAME(preadv2);
SAME(pwritev2);
SAME(recvmmsg);
SAME(res_nquery);
SAME(res_nquerydomain);
SAME(res_nsearch);
SAME(res_nsend);
SAME(res_query);
SAME(res_querydomain);
SAME(res_search);
SAME(res_send);
SAME(sendfile);
SAME(sendmmsg);
SAME(splice);
SAME(syscall);
#endif

int main(int argc, char **argv) {
    (void)argc;
    return SOCKSinit(argv[0]) + SOCKSinit(NULL);
}
