/* Looks up a name of the proxy's, and says whether the kernel gave it more rights than its user has. */
#include <netdb.h>
#include <socks.h>
#include <stdio.h>
#include <sys/auxv.h>

int main(void) {
    struct addrinfo *list;
    int error = Rgetaddrinfo("mail.example", "25", NULL, &list);
    printf("%s, %d\n", getauxval(AT_SECURE) ? "secure" : "plain", error);
    return 0;
}
