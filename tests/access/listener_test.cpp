// Who listens on Asterisk's port is not Asterisk for that.
#include <csignal>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/access/peer.h"
#include "tests/catch.h"
#include "tests/support/daemon.h"
#include "tests/support/left_out.h"
#include "tests/support/simulator.h"
#include "tests/support/soon.h"

using namespace aribus;
using namespace aribus::test;

namespace {

constexpr uid_t stranger_uid = 7000;

// In the child: takes connections as the stranger, and tells `out` what comes over them.
[[noreturn]] void listen_in(int listener, int out) {
  for (;;) {
    const Fd one(::accept(listener, nullptr, nullptr));
    char bytes[4096];
    const ssize_t count = ::recv(one.get(), bytes, sizeof bytes, 0);
    if (count > 0 && ::write(out, bytes, static_cast<size_t>(count)) < 0) ::_exit(1);
    if (count <= 0 && ::write(out, "-", 1) < 0) ::_exit(1);
  }
}

// A process of another user that listens on a port, and keeps what it is sent: '-' for a connection without a
// byte.
class Stranger {
 public:
  Stranger() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    heard_ = Fd(ends[0]);
    const Fd out(ends[1]);
    int ports[2];
    REQUIRE(::pipe2(ports, O_CLOEXEC) == 0);
    const Fd port_in(ports[0]), port_out(ports[1]);
    child_ = ::fork();
    if (child_ == 0) {
      if (::setresgid(stranger_uid, stranger_uid, stranger_uid) != 0 ||
          ::setresuid(stranger_uid, stranger_uid, stranger_uid) != 0)
        ::_exit(1);
      const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      socklen_t size = sizeof address;
      if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener, 16) != 0)
        ::_exit(1);
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
      const int port = ntohs(address.sin_port);
      if (::write(port_out.get(), &port, sizeof port) != sizeof port) ::_exit(1);
      listen_in(listener, out.get());
    }
    REQUIRE(::read(port_in.get(), &port_, sizeof port_) == sizeof port_);
  }
  ~Stranger() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  // What it has heard so far.
  const std::string& heard() {
    char bytes[4096];
    for (ssize_t count = 0; (count = ::read(heard_.get(), bytes, sizeof bytes)) > 0;)
      text_.append(bytes, static_cast<size_t>(count));
    return text_;
  }

 private:
  pid_t child_ = -1;
  int port_ = 0;
  Fd heard_;
  std::string text_;
};

size_t count_of(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++count;
  return count;
}

Server server_at(const std::string& url, const std::string& more) {
  Server server;
  server.url = url;
  server.more = "    reconnect: {first: 10ms, max: 20ms}\n" + more;
  return server;
}

}  // namespace

TEST_CASE("another user who listens on Asterisk's port is told no password") {
  if (needs_root()) return;
  Stranger listener;
  {
    Daemon daemon({server_at(listener.url(), "    user: root\n")});
    REQUIRE(soon([&] { return listener.heard().size() >= 3; }));
    CHECK(listener.heard().find_first_not_of('-') == std::string::npos);
    auto client = daemon.connect();
    const auto status = client.call("status");
    REQUIRE(status);
    CHECK_THAT(to_text(*status), ContainsSubstring("belongs to") && ContainsSubstring("(uid 7000)") &&
                                     ContainsSubstring("not to user 'root' (uid 0)"));
    const auto refused = client.call("channels.list");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::not_connected);
    CHECK(daemon.stop() == 0);
  }
  // Without a user it is warned of, once.
  Daemon daemon({server_at(listener.url(), "")});
  REQUIRE(soon([&] { return count_of(listener.heard(), "Authorization: Basic") >= 3; }));
  CHECK(count_of(daemon.log(), "Set `user` to the one that Asterisk runs as") == 1);
  CHECK_THAT(daemon.log(), ContainsSubstring(" warning pbx1: port "));
}

TEST_CASE("Asterisk's own user is connected to, and a reload changes who that is") {
  const Simulator asterisk;
  const std::string own = std::to_string(::geteuid()), other = std::to_string(::geteuid() + 7000);
  Daemon daemon({server_at(asterisk.url(), "    user: " + own + "\n")});
  daemon.wait_ready();
  daemon.configure({server_at(asterisk.url(), "    user: " + other + "\n")});
  daemon.reload();
  auto client = daemon.connect();
  REQUIRE(soon([&] {
    const auto status = client.call("status");
    return status && to_text(*status).find("not to user '" + other + "'") != std::string::npos;
  }));
  daemon.configure({server_at(asterisk.url(), "")});
  daemon.reload();
  daemon.wait_ready();
  CHECK(daemon.log().find("set `user`") == std::string::npos);
}
