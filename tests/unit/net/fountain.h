// A peer that sends without end, for tests that it does not hold up the loop.
#pragma once

#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>

#include "net/loop.h"
#include "net/tcp_socket.h"
#include "net/websocket_handshake.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

namespace aribus::test {

// Takes one connection, reads a request, answers, and sends one piece again and again, as fast as it goes: on
// a thread of its own, for 10 s at most.
class Fountain {
 public:
  using Answer = std::function<std::string(const std::string& request)>;

  Fountain(Answer answer, std::string piece)
      : answer_(std::move(answer)),
        piece_(std::move(piece)),
        listening_(listen_on_tcp("127.0.0.1", port_).value()),
        thread_([this] { run(); }) {}
  ~Fountain() {
    stop_ = true;
    thread_.join();
  }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] bool flows() const { return flows_; }

 private:
  void run() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    Fd socket;
    while (!socket.valid() && std::chrono::steady_clock::now() < end && !stop_) {
      socket.reset(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      std::this_thread::yield();
    }
    std::string request;
    char bytes[4096];
    while (handshake_size(request) == 0) {
      const ssize_t count = ::recv(socket.get(), bytes, sizeof bytes, 0);
      if (count <= 0) return;
      request.append(bytes, static_cast<size_t>(count));
    }
    const std::string answer = answer_(request);
    ::send(socket.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    std::string pieces;
    while (pieces.size() < 4 << 20) pieces += piece_;
    flows_ = true;
    for (size_t sent = 0; !stop_ && std::chrono::steady_clock::now() < end;) {
      const ssize_t count =
          ::send(socket.get(), pieces.data() + sent, pieces.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count < 0 && errno != EAGAIN) break;
      if (count > 0) sent = (sent + static_cast<size_t>(count)) % pieces.size();
    }
    flows_ = false;
  }

  Answer answer_;
  std::string piece_;
  int port_ = 0;
  Fd listening_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> flows_{false};
  std::thread thread_;
};

// Whether a timer comes up again and again while the fountain flows.
inline bool others_get_their_turn(Loop& loop, const Fountain& fountain) {
  int times = 0;
  Timer timer(loop);
  timer.every(Milliseconds(1), [&] { times += fountain.flows() ? 1 : 0; });
  return pump(loop, [&] { return times >= 20; });
}

}  // namespace aribus::test
