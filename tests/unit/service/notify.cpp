#include "service/notify.h"

#include <cstdlib>

#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::service;

namespace {

// The socket on which systemd hears of its services.
class Systemd {
 public:
  Systemd() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    const std::string path = directory_.path("notify");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~Systemd() { ::unsetenv("NOTIFY_SOCKET"); }

  // What came next; "" when nothing did.
  [[nodiscard]] std::string heard() const {
    char buffer[200];
    const ssize_t count = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    return count < 0 ? "" : std::string(buffer, static_cast<size_t>(count));
  }

 private:
  test::TempDir directory_;
  Fd socket_;
};

}  // namespace

TEST_CASE("systemd is told through the socket that it names") {
  const Systemd systemd;
  notify_systemd("READY=1\nSTATUS=up");
  CHECK(systemd.heard() == "READY=1\nSTATUS=up");
  ::unsetenv("NOTIFY_SOCKET");
  notify_systemd("READY=1");  // nobody is there: nothing happens
  CHECK(systemd.heard().empty());
}

TEST_CASE("a status of several lines stays one status") {
  const Systemd systemd;
  notify_status("pbx1: odd\nREADY=1");
  CHECK(systemd.heard() == "STATUS=pbx1: odd READY=1");
}

TEST_CASE("a reload says when it began, as systemd compares that with its own request") {
  const Systemd systemd;
  notify_reloading();
  CHECK_THAT(systemd.heard(), ContainsSubstring("RELOADING=1\nMONOTONIC_USEC="));
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
