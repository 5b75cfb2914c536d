/* Prints what a server at ADDRESS PORT says. Made in three ways: PLAIN, SOCKS_REMAP and, with neither, by R names. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef PLAIN
#include <sys/socket.h>
#include <unistd.h>
#else
#include <socks.h>
#endif

#if defined PLAIN || defined SOCKS_REMAP
#define CONNECT connect
#define CLOSE close
#else
#define CONNECT Rconnect
#define CLOSE Rclose
#endif

int main(int argc, char **argv)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    char text[64];
    ssize_t len;
    int fd;

    if (argc != 3 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
        return 2;
    to.sin_port = htons((unsigned short)atoi(argv[2]));
    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (CONNECT(fd, (struct sockaddr *)&to, sizeof to) < 0) {
        perror("connect");
        return 1;
    }
    while ((len = recv(fd, text, sizeof text, 0)) > 0)
        fwrite(text, 1, (size_t)len, stdout);
    return CLOSE(fd) < 0 || len < 0;
}
