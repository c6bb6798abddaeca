// What systemd hears of a daemon whose Asterisk can't be reached, and of each change of the reason.
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "tests/catch.h"
#include "tests/support/program.h"
#include "tests/support/simulator.h"

using namespace aribus::test;

namespace {

// The socket on which systemd hears of a service.
class Systemd {
 public:
  Systemd() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }

  [[nodiscard]] std::string path() const { return directory_ / "notify"; }
  [[nodiscard]] std::vector<std::string> environment() const { return {"NOTIFY_SOCKET=" + path()}; }

  // The next message; throws when none comes.
  [[nodiscard]] std::string heard() const {
    pollfd state{socket_.get(), POLLIN, 0};
    if (::poll(&state, 1, 30'000) <= 0) throw std::runtime_error("systemd hears nothing more");
    char buffer[2000];
    const ssize_t count = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    return std::string(buffer, static_cast<size_t>(std::max<ssize_t>(count, 0)));
  }
  // The next message with `text` in it.
  std::string expect(const std::string& text) const {
    for (;;) {
      if (std::string message = heard(); message.find(text) != std::string::npos) return message;
    }
  }

 private:
  TemporaryDirectory directory_;
  aribus::Fd socket_;
};

}  // namespace

TEST_CASE("the start is over with the first attempt that fails, and the status says why") {
  const Simulator simulator;
  struct Case {
    std::string url;
    std::string password;
    std::string reason;
  };
  const Case cases[] = {
      {simulator.url(), "wrong", "user 'aribus' or its password is wrong (401)"},
      {"http://127.0.0.1:1", "any", "Does Asterisk run"},
      {"http://pbx.invalid:8088", "any", "Is the host's name right"},
      {"https://" + simulator.authority(), "any", "no Asterisk at https://"},
  };
  for (const Case& one : cases) {
    INFO(one.url);
    const Systemd systemd;
    Server server = simulator.server();
    server.url = one.url;
    server.password = one.password;
    const Daemon daemon({server}, {}, systemd.environment());
    CHECK_THAT(systemd.heard(),
               ContainsSubstring("0 of 1 Asterisk servers connected; pbx1: the first attempt"));
    CHECK(systemd.heard() == "READY=1");  // before any time is up: nothing else comes in between
    CHECK_THAT(systemd.heard(),
               ContainsSubstring("0 of 1 Asterisk servers connected") && ContainsSubstring(one.reason));
  }
}

TEST_CASE("the start waits for the first attempt of each Asterisk") {
  const Simulator simulator;
  Server second = simulator.server("pbx2");
  second.url = "http://127.0.0.1:1";
  second.apps = {"other"};
  const Systemd systemd;
  const Daemon daemon({simulator.server(), second}, {}, systemd.environment());
  bool pbx1 = false, pbx2 = false;
  for (;;) {
    const std::string message = systemd.heard();
    if (message == "READY=1") break;
    pbx1 |= message.find("pbx1") == std::string::npos;  // it is connected
    pbx2 |= message.find("Does Asterisk run") != std::string::npos;
  }
  CHECK((pbx1 || pbx2));  // the other one made it ready, and its status comes behind that
  systemd.expect("1 of 2 Asterisk servers connected");
}

TEST_CASE("each change of the reason reaches systemd") {
  const Simulator simulator;
  simulator.fault("GET /ari/asterisk/info*", R"("status":503)", 2);
  simulator.fault("GET /ari/asterisk/info*", R"("status":404)", 1);
  const Systemd systemd;
  const Daemon daemon({simulator.server()}, {}, systemd.environment());
  systemd.expect("(503");
  systemd.expect("(404");
  systemd.expect("1 of 1 Asterisk servers connected");
  simulator.control("POST", "drop", R"({"mode":"close-frame"})");
  systemd.expect("0 of 1 Asterisk servers connected; pbx1: Asterisk closed the event stream");
  systemd.expect("1 of 1 Asterisk servers connected");
}
