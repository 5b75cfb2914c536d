// SOCKS_REMAP in C++, with the header first: names of the library and members are renamed consistently.
#include "socks.h"

#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <vector>

class Connection {
public:
    int connect(int number) { return number + 1; }
    void close() { closed = true; }
    int poll() const { return closed ? 1 : 0; }
    bool closed = false;
};

int main() {
    using namespace std::placeholders;
    Connection connection;
    auto bound = std::bind(&Connection::connect, &connection, _1);
    connection.close();
    int (*descriptor)(int) = &::close;
    std::thread([&] { connection.connect(1); }).join();
    return bound(1) == 2 && connection.poll() == 1 && ::close(-1) == -1 && descriptor(-1) == -1 ? 0 : 1;
}
