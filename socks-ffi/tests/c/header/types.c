/* Each function has the type of libc's: the compiler says so, in every standard and with every set of names. */
#include "socks.h"

#define SAME(name) extern __typeof__(name) R##name

SAME(accept);
SAME(bind);
SAME(close);
SAME(connect);
SAME(dup);
SAME(dup2);
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
SAME(write);
SAME(writev);

int main(int argc, char **argv) {
    (void)argc;
    return SOCKSinit(argv[0]) + SOCKSinit(NULL);
}
