#include "tests/unit/session/wire.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "frontend/web/websocket_transport.h"
#include "tests/catch.h"
#include "tests/support/memory_transport.h"
#include "tests/support/websocket_client.h"
#include "tests/unit/session/daemon.h"

namespace aribus::test {
namespace {

class UnixWire : public Wire {
 public:
  explicit UnixWire(const std::string& path)
      : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  std::optional<size_t> send(std::string_view bytes) override {
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) return static_cast<size_t>(count);
    return errno == EAGAIN ? std::optional<size_t>(0) : std::nullopt;
  }
  void finish_sending() override { ::shutdown(socket_.get(), SHUT_WR); }
  bool read(std::string& input, size_t bytes) override {
    char buffer[65536];
    while (bytes > 0) {
      const ssize_t count = ::recv(socket_.get(), buffer, std::min(bytes, sizeof buffer), MSG_DONTWAIT);
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
      if (count <= 0) return true;
      input.append(buffer, static_cast<size_t>(count));
      bytes -= static_cast<size_t>(count);
    }
    return false;
  }
  [[nodiscard]] int fd() const override { return socket_.get(); }

 private:
  Fd socket_;
};

class WebSocketWire : public Wire {
 public:
  explicit WebSocketWire(Daemon& daemon) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    socket_.reset(ends[0]);
    const int least = 1;  // the system takes its minimum: frames are cut everywhere
    ::setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
    daemon.sessions->add(std::make_unique<frontend::WebSocketTransport>(daemon.loop, Fd(ends[1])),
                         {.uid = ::getuid(), .gid = ::getgid(), .pid = ::getpid(), .socket = "websocket"});
  }
  std::optional<size_t> send(std::string_view bytes) override {
    if (frames_.empty()) {
      frames_ = client_.frames(bytes);
      unsent_ = bytes.size();
    }
    const ssize_t count = ::send(socket_.get(), frames_.data(), frames_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno != EAGAIN) return std::nullopt;
    frames_.erase(0, static_cast<size_t>(std::max<ssize_t>(count, 0)));
    return frames_.empty() ? std::exchange(unsent_, 0) : 0;
  }
  void finish_sending() override { ::shutdown(socket_.get(), SHUT_WR); }
  bool read(std::string& input, size_t bytes) override {
    char buffer[65536];
    while (bytes > 0) {
      const ssize_t count = ::recv(socket_.get(), buffer, std::min(bytes, sizeof buffer), MSG_DONTWAIT);
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
      if (count <= 0) return true;
      client_.feed({buffer, static_cast<size_t>(count)}, input);
      REQUIRE_FALSE(client_.is_wrong());
      bytes -= static_cast<size_t>(count);
    }
    return false;
  }
  // Nothing is said in the middle of a frame.
  [[nodiscard]] bool shows(session::Transport::Ending ending) const override {
    using Ending = session::Transport::Ending;
    const uint16_t code = ending == Ending::finished   ? 1000
                          : ending == Ending::stopping ? 1001
                          : ending == Ending::refused  ? 1008
                                                       : 1013;
    return client_.is_within_frame() || client_.close_code() == code;
  }
  [[nodiscard]] int fd() const override { return socket_.get(); }

 private:
  Fd socket_;
  WebSocketClient client_{true};
  std::string frames_;  // that the socket has not taken yet
  size_t unsent_ = 0;   // the bytes that they are of
};

class InMemory : public Wire {
 public:
  InMemory(Daemon& daemon, size_t window) {
    wire_->window = window;
    daemon.sessions->add(std::make_unique<MemoryTransport>(daemon.loop, wire_),
                         {.uid = ::getuid(), .gid = ::getgid(), .pid = ::getpid(), .socket = "memory"});
  }
  ~InMemory() override {
    wire_->has_program = false;
    wire_->changed();
  }
  std::optional<size_t> send(std::string_view bytes) override {
    if (!wire_->has_daemon) return std::nullopt;
    writer_.write(bytes);
    wire_->changed();
    return bytes.size();
  }
  void finish_sending() override {
    wire_->program_sends = false;
    wire_->changed();
  }
  bool read(std::string& input, size_t bytes) override {
    reader_.read(std::string_view(wire_->to_program).substr(0, bytes), input);
    wire_->to_program.erase(0, bytes);
    wire_->changed();
    return !wire_->has_daemon && wire_->to_program.empty();
  }

  [[nodiscard]] bool shows(session::Transport::Ending ending) const override {
    return wire_->ending == ending;
  }

 private:
  std::shared_ptr<MemoryWire> wire_ = std::make_shared<MemoryWire>();
  FrameReader reader_;
  FrameWriter writer_{[this](std::string_view bytes) {
    wire_->to_daemon += bytes;
    return bytes.size();
  }};
};

}  // namespace

std::unique_ptr<Wire> connect_unix(Daemon& daemon) {
  return std::make_unique<UnixWire>(daemon.path);
}

std::unique_ptr<Wire> connect_websocket(Daemon& daemon) {
  return std::make_unique<WebSocketWire>(daemon);
}

Connect connect_in_memory(size_t window) {
  return [window](Daemon& daemon) { return std::make_unique<InMemory>(daemon, window); };
}

std::vector<std::pair<std::string, Connect>> every_transport(bool few) {
  std::vector<std::pair<std::string, Connect>> all{{"unix", connect_unix}, {"websocket", connect_websocket}};
  // Frames are cut at every byte of their heads, and everywhere in their text.
  for (const size_t window : {1, 2, 3, 4, 5, 7, 64, 5000}) {
    if (!few || window > 1000)
      all.emplace_back("memory, " + std::to_string(window), connect_in_memory(window));
  }
  return all;
}

}  // namespace aribus::test
