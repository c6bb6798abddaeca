// What a daemon that was killed leaves to the one that comes after it.
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <thread>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/support/daemon.h"
#include "tests/support/program.h"
#include "tests/support/simulator.h"

using namespace aribus;
using namespace aribus::test;

namespace {

using Clock = std::chrono::steady_clock;

size_t number_from(const char* name, size_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<size_t>(std::atoi(text));
}

// The stream as any subscriber saw it first: others must see the same.
struct Seen {
  std::string stream;
  std::deque<size_t> lines;  // a hash of each, from record 1 on
};

// A program that subscribes to everything, and connects again with its cursor whenever the connection ends.
class Follower {
 public:
  Follower(const Daemon& daemon, Seen& seen) : path_(daemon.socket_path()), seen_(seen) {}

  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] uint64_t position() const { return position_; }
  [[nodiscard]] size_t connections() const { return connections_; }

  // Connects if it is not connected. False: nobody listens.
  bool connect() {
    if (socket_.valid()) return true;
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      return false;
    const std::string request = R"({"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"since":")" +
                                seen_.stream + ":" + std::to_string(position_) + "\"}}\n";
    if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return false;
    socket_ = std::move(socket);
    ++connections_;
    return true;
  }

  // Takes what is there.
  void read() {
    static char buffer[256 * 1024];
    const ssize_t count = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
      socket_.reset();
      partial_.clear();
      return;
    }
    std::string_view bytes(buffer, static_cast<size_t>(count));
    for (size_t end = 0; (end = bytes.find('\n')) != std::string_view::npos; bytes.remove_prefix(end + 1)) {
      if (partial_.empty()) {
        take(bytes.substr(0, end + 1));
      } else {
        partial_ += bytes.substr(0, end + 1);
        take(std::exchange(partial_, {}));
      }
    }
    partial_ += bytes;
  }

 private:
  void take(std::string_view line) {
    static constexpr std::string_view head = R"({"jsonrpc":"2.0","method":"event","params":{"seq":)";
    if (line.starts_with(R"({"jsonrpc":"2.0","id":1,)")) {
      if (line.find(R"("resumed":true)") == std::string_view::npos) FAIL("not resumed: " << line);
      return;
    }
    if (!line.starts_with(head)) FAIL("no record: " << line.substr(0, 200));
    uint64_t seq = 0;
    std::from_chars(line.data() + head.size(), line.data() + line.size(), seq);
    if (seq != position_ + 1) FAIL("after record " << position_ << " comes " << seq);
    const size_t hash = std::hash<std::string_view>()(line);
    if (seq > seen_.lines.size()) {
      seen_.lines.push_back(hash);
    } else if (seen_.lines[seq - 1] != hash) {
      FAIL("record " << seq << " is another one than before");
    }
    position_ = seq;
  }

  std::string path_;
  Seen& seen_;
  Fd socket_;
  std::string partial_;
  uint64_t position_ = 0;
  size_t connections_ = 0;
};

}  // namespace

// ARIBUS_KILLS: how often; ARIBUS_KILL_RATE: events a second; ARIBUS_KILL_FOLLOWERS: how many programs
// follow.
TEST_CASE("a daemon that is killed again and again under load loses and repeats nothing that was delivered") {
  const size_t kills = number_from("ARIBUS_KILLS", 3);
  const std::string rate = std::to_string(number_from("ARIBUS_KILL_RATE", 3000));
  const Simulator simulator({"--replay", ARIBUS_SOURCE_DIR "/tests/data/events-22.jsonl", "--rate", rate});
  Daemon daemon({simulator.server()},
                "bus:\n  path: " + Daemon::own_path("bus.log") + "\nlogging:\n  level: info\n");
  daemon.wait_ready();
  Seen seen;
  seen.stream = text_at(*daemon.connect().call("status"), "bus.stream");
  std::deque<Follower> followers;
  for (size_t i = number_from("ARIBUS_KILL_FOLLOWERS", 8); i > 0; --i) followers.emplace_back(daemon, seen);

  const auto follow_until = [&](const auto& done) {
    const auto end = Clock::now() + std::chrono::seconds(60);
    std::vector<pollfd> polled;
    while (!done()) {
      REQUIRE(Clock::now() < end);
      polled.clear();
      for (Follower& follower : followers) {
        follower.connect();
        polled.push_back({follower.fd(), POLLIN, 0});
      }
      ::poll(polled.data(), polled.size(), 10);
      for (size_t i = 0; i < polled.size(); ++i) {
        if (polled[i].revents != 0 && followers[i].fd() >= 0) followers[i].read();
      }
    }
  };
  for (size_t kill = 0; kill < kills; ++kill) {
    const auto until = Clock::now() + std::chrono::milliseconds(300 + kill * 137 % 400);
    follow_until([&] { return Clock::now() > until; });
    daemon.kill_and_start();
  }
  // All come to the end of what anybody saw.
  follow_until([&] { return std::ranges::all_of(followers, [](auto& f) { return f.connect(); }); });
  const uint64_t end = seen.lines.size() + 1000;
  follow_until([&] { return std::ranges::all_of(followers, [&](auto& f) { return f.position() >= end; }); });
  for (const Follower& follower : followers) CHECK(follower.connections() == kills + 1);
  const auto answer = daemon.connect().call("status");
  const Json& status = *answer;
  CHECK(status["bus"]["resumed"].GetBool());
  CHECK(text_at(status, "bus.stream") == seen.stream);
  WARN(seen.lines.size() << " records, " << followers.size() << " programs, " << kills << " kills");
}

TEST_CASE("a daemon that was stopped goes on with its stream") {
  const Simulator simulator;
  Daemon daemon({simulator.server()}, "bus:\n  path: " + Daemon::own_path("bus.log") + "\n");
  daemon.wait_ready();
  const std::string cursor = text_at(*daemon.connect().call("hello"), "cursor");
  daemon.kill_and_start();
  Program program(daemon.connect(), R"({"since":")" + cursor + "\"}");
  // The first connection was never told to have ended.
  program.expect("server.connected");
  CHECK_THAT(daemon.log(), ContainsSubstring("continues after record"));
}
