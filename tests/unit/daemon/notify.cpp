#include "daemon/notify.h"

#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::daemon;

TEST_CASE("systemd is told through the socket that it names") {
  const test::TempDir directory;
  const std::string path = directory.path("notify");
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  notify_systemd("READY=1\nSTATUS=up");
  ::unsetenv("NOTIFY_SOCKET");
  char buffer[100];
  const ssize_t count = ::recv(socket.get(), buffer, sizeof buffer, 0);
  REQUIRE(count > 0);
  CHECK(std::string_view(buffer, static_cast<size_t>(count)) == "READY=1\nSTATUS=up");
  notify_systemd("READY=1");  // nobody is there: nothing happens
  CHECK(::recv(socket.get(), buffer, sizeof buffer, 0) < 0);
}

TEST_CASE("the watchdog hears from us twice in its interval") {
  ::unsetenv("WATCHDOG_USEC");
  CHECK_FALSE(watchdog_interval());
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  CHECK(watchdog_interval() == Milliseconds(15'000));
  ::setenv("WATCHDOG_USEC", "100", 1);
  CHECK(watchdog_interval() == Milliseconds(1));
  for (const char* wrong : {"", "0", "-5", "soon", "5s"}) {
    ::setenv("WATCHDOG_USEC", wrong, 1);
    CHECK_FALSE(watchdog_interval());
  }
  ::unsetenv("WATCHDOG_USEC");
}
