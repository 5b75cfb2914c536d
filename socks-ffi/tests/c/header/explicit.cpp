// The R functions in C++, between the library's own words.
#include <fstream>
#include <functional>

#include "socks.h"

struct Socket {
    int descriptor;
    int connect(const sockaddr *to, socklen_t len) { return Rconnect(descriptor, to, len); }
    int close() { return Rclose(descriptor); }
};

int main() {
    Socket socket = {-1};
    std::ofstream file("/dev/null");
    file.close();
    auto bound = std::bind(&Socket::connect, &socket, nullptr, 0);
    pollfd wait = {-1, 0, 0};
    return socket.close() == -1 && bound() == -1 && Rpoll(&wait, 1, 0) == 0 && Rwrite(-1, "", 0) == -1 ? 0 : 1;
}
