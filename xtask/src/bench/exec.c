/* exec VALUE PROGRAM: replaces itself by the program with LD_PRELOAD=VALUE, and does nothing else. */
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 3 || setenv("LD_PRELOAD", argv[1], 1) != 0)
        return 2;
    execv(argv[2], argv + 2);
    return 126;
}
