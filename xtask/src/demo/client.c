/* fetch ADDRESS PORT: prints the page at / of a web server. Knows nothing of SOCKS. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char request[] = "GET / HTTP/1.0\r\n\r\n";

int main(int argc, char **argv)
{
    struct sockaddr_in to;
    char page[4096], *body;
    size_t length = 0;
    ssize_t n;
    int fd;

    if (argc != 3)
        return 2;
    /* A proxy that never answers must not hold the demo for ever. */
    alarm(20);
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_port = htons((unsigned short)atoi(argv[2]));
    if (inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
        return 2;
    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        perror("connect");
        return 1;
    }
    if (write(fd, request, sizeof request - 1) != (ssize_t)sizeof request - 1) {
        perror("write");
        return 1;
    }
    while ((n = read(fd, page + length, sizeof page - 1 - length)) > 0)
        length += (size_t)n;
    page[length] = '\0';
    body = strstr(page, "\r\n\r\n");
    if (body == NULL)
        return 1;
    fputs(body + 4, stdout);
    return 0;
}
