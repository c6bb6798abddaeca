// A peer in the daemon's place, which sends what a test has it send.
#pragma once

#include <atomic>
#include <cstring>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"

namespace aribus::test {

// Listens on a socket, on a thread of its own. Serves one connection after the other, each until `serve`
// returns.
class FakeDaemon {
 public:
  // One connection. What waits here ends, without success, at the end of the daemon.
  class Peer {
   public:
    // The next line that the client sends, without its end; nothing when the client is gone.
    std::optional<std::string> line() {
      for (size_t end = 0; (end = buffer_.find('\n')) == std::string::npos;) {
        if (!ready(POLLIN)) return {};
        char bytes[16 * 1024];
        const ssize_t count = ::recv(socket_.get(), bytes, sizeof bytes, 0);
        if (count <= 0) return {};
        buffer_.append(bytes, static_cast<size_t>(count));
      }
      const size_t end = buffer_.find('\n');
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    // False when the client is gone.
    bool send(std::string_view bytes) {
      while (!bytes.empty()) {
        if (!ready(POLLOUT)) return false;
        const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno != EAGAIN) return false;
        if (count <= 0) continue;
        sent_ += static_cast<size_t>(count);
        bytes.remove_prefix(static_cast<size_t>(count));
      }
      return true;
    }
    // Waits until the client has gone.
    void wait_for_end() {
      while (line()) continue;
    }

   private:
    friend class FakeDaemon;
    Peer(Fd socket, int stop, std::atomic<size_t>& sent)
        : socket_(std::move(socket)), stop_(stop), sent_(sent) {}
    [[nodiscard]] bool ready(short what) const {
      pollfd both[2] = {{socket_.get(), what, 0}, {stop_, POLLIN, 0}};
      while (::poll(both, 2, -1) < 0) continue;
      return both[1].revents == 0;
    }

    Fd socket_;
    int stop_;
    std::atomic<size_t>& sent_;
    std::string buffer_;
  };
  using Serve = std::function<void(Peer&)>;

  FakeDaemon(std::string path, Serve serve, int backlog = 16)
      : path_(std::move(path)),
        serve_(std::move(serve)),
        stop_(::eventfd(0, EFD_CLOEXEC)),
        listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
    if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), backlog) != 0) {
      throw std::runtime_error("listening on " + path_);
    }
    if (serve_) thread_ = std::thread([this] { run(); });
  }
  ~FakeDaemon() {
    ::eventfd_write(stop_.get(), 1);
    if (thread_.joinable()) thread_.join();
    ::unlink(path_.c_str());
  }
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  // Bytes that the kernel took, over all connections.
  [[nodiscard]] size_t sent() const { return sent_; }

 private:
  void run() {
    for (;;) {
      pollfd both[2] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
      while (::poll(both, 2, -1) < 0) continue;
      if (both[1].revents != 0) return;
      Peer peer(Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)), stop_.get(), sent_);
      serve_(peer);
    }
  }

  std::string path_;
  Serve serve_;
  Fd stop_;
  Fd listener_;
  std::atomic<size_t> sent_{0};
  std::thread thread_;
};

// Answers every request with what `result` gives for its method: a JSON text.
inline FakeDaemon::Serve answering(std::function<std::string(const std::string& line)> members) {
  return [members = std::move(members)](FakeDaemon::Peer& peer) {
    while (const auto line = peer.line()) {
      const size_t at = line->find("\"id\":") + 5;
      const std::string id = line->substr(at, line->find_first_not_of("0123456789", at) - at);
      if (!peer.send(R"({"jsonrpc":"2.0","id":)" + id + "," + members(*line) + "}\n")) return;
    }
  };
}

}  // namespace aribus::test
