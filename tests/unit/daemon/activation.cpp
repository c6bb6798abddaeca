#include "daemon/activation.h"

#include <cstdlib>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::daemon;

namespace {

constexpr int first = 200;  // above what else is open

// Makes the socket `number`, which listens at `path` if `type` can.
void open_socket(int number, const std::string& path, int type = SOCK_STREAM) {
  const Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  if (type == SOCK_STREAM) REQUIRE(::listen(socket.get(), SOMAXCONN) == 0);
  REQUIRE(::dup2(socket.get(), number) == number);
}

void announce(int count, pid_t pid = ::getpid()) {
  ::setenv("LISTEN_FDS", std::to_string(count).c_str(), 1);
  ::setenv("LISTEN_PID", std::to_string(pid).c_str(), 1);
}

}  // namespace

TEST_CASE("systemd's sockets are taken by their path, once, and not handed on") {
  const test::TempDir directory;
  open_socket(first, directory.path("one"));
  open_socket(first + 1, directory.path("two"));
  announce(2);
  const auto sockets = inherited_sockets(first);
  REQUIRE(sockets.size() == 2);
  CHECK(sockets.at(directory.path("one")).get() == first);
  CHECK(sockets.at(directory.path("two")).get() == first + 1);
  CHECK((::fcntl(first, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((::fcntl(first, F_GETFL) & O_NONBLOCK) != 0);
  CHECK(std::getenv("LISTEN_FDS") == nullptr);
  CHECK(inherited_sockets(first).empty());
}

TEST_CASE("descriptors that no program can connect to are closed") {
  const test::TempDir directory;
  open_socket(first, directory.path("datagrams"), SOCK_DGRAM);
  REQUIRE(::dup2(STDERR_FILENO, first + 1) == first + 1);
  announce(3);  // there is no third
  CHECK(inherited_sockets(first).empty());
  CHECK(::fcntl(first, F_GETFD) == -1);
  CHECK(::fcntl(first + 1, F_GETFD) == -1);
}

TEST_CASE("sockets for another process are left alone") {
  const test::TempDir directory;
  open_socket(first, directory.path("one"));
  announce(1, ::getpid() + 1);
  CHECK(inherited_sockets(first).empty());
  CHECK(::fcntl(first, F_GETFD) != -1);
  ::close(first);
}
