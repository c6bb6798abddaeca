// An Asterisk that sends without end does not hold up the loop.
#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#include <netinet/in.h>
#include <sys/socket.h>

#include "net/http.h"
#include "net/tcp_socket.h"
#include "net/websocket_frame.h"
#include "net/websocket_handshake.h"
#include "tests/unit/net/socket.h"

using namespace aribus;
using namespace aribus::test;

namespace {

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
bool others_get_their_turn(Loop& loop, const Fountain& fountain) {
  int times = 0;
  Timer timer(loop);
  timer.every(Milliseconds(1), [&] { times += fountain.flows() ? 1 : 0; });
  return pump(loop, [&] { return times >= 20; });
}

std::string upgrade_to(const std::string& request) {
  return accepting_answer(read_request(request).value().key, "ari");
}

std::string frame(Opcode opcode, std::string_view payload, bool final = true) {
  std::string out;
  append_frame(out, opcode, payload, std::nullopt, final);
  return out;
}

struct Case {
  const char* what;
  std::string first, piece;
};

}  // namespace

TEST_CASE("a WebSocket that brings frames without end leaves time for others") {
  const Case cases[] = {
      {"empty fragments", frame(Opcode::text, "", false), frame(Opcode::continuation, "", false)},
      {"fragments of a byte", frame(Opcode::text, "", false), frame(Opcode::continuation, "x", false)},
      {"pings", "", frame(Opcode::ping, "")},
      {"pongs", "", frame(Opcode::pong, "aribus")},
      {"empty texts", "", frame(Opcode::text, "")},
      {"binary messages", "", frame(Opcode::binary, "x")},
      {"texts of 4 MiB", "", frame(Opcode::text, std::string(4 << 20, 'x'))},
      {"texts that are too large", "", frame(Opcode::text, std::string(5 << 20, 'x'))},
  };
  for (const Case& one : cases) {
    INFO(one.what);
    Loop loop;
    Fountain fountain([&](const std::string& request) { return upgrade_to(request) + one.first; }, one.piece);
    Socket socket(loop);
    socket.socket->connect(socket.options(fountain.port()),
                           {[] {}, [](std::string_view, size_t) {},
                            [&](const WebSocketClosed& why) { socket.closed.push_back(why); }});
    CHECK(others_get_their_turn(loop, fountain));
    CHECK(socket.closed.empty());
  }
}

TEST_CASE("an answer whose headers have no end is given up, and leaves time for others") {
  const std::string line = "X-Filler: " + std::string(4000, 'x') + "\r\n";
  const Case cases[] = {
      {"headers", "HTTP/1.1 200 OK\r\n", line},
      {"short headers", "HTTP/1.1 200 OK\r\n", "X: y\r\n"},
      {"trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", line},
      {"short trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n"},
      {"interim answers", "", "HTTP/1.1 100 Continue\r\n\r\n"},
  };
  for (const Case& one : cases) {
    INFO(one.what);
    Loop loop;
    Fountain fountain([&](const std::string&) { return one.first; }, one.piece);
    HttpOptions options;
    options.url.host = "127.0.0.1";
    options.url.port = fountain.port();
    Http http(loop, options);
    std::optional<Result<HttpResponse>> answer;
    http.send({"POST", "/ari/channels", "", Milliseconds(9000)}, [&](auto got) { answer = std::move(got); });
    REQUIRE(pump(loop, [&] { return answer.has_value(); }));
    REQUIRE_FALSE(answer->ok());
    CHECK(answer->error().kind == ErrorKind::outcome_unknown);
    CHECK_THAT(answer->error().message, ContainsSubstring("more than 65536 bytes of headers"));
  }
}

TEST_CASE("an answer whose body has no end leaves time for others") {
  const Case cases[] = {
      {"a large one", "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n", std::string(1000, 'x')},
      {"without a length", "HTTP/1.1 200 OK\r\n\r\n", std::string(1000, 'x')},
      {"chunks of a byte", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"},
      {"chunks with extensions", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
       "1;" + std::string(1000, 'e') + "\r\nx\r\n"},
  };
  for (const Case& one : cases) {
    INFO(one.what);
    Loop loop;
    Fountain fountain([&](const std::string&) { return one.first; }, one.piece);
    HttpOptions options;
    options.url.host = "127.0.0.1";
    options.url.port = fountain.port();
    options.max_response_bytes = size_t{1} << 40;
    options.max_held_bytes = size_t{1} << 40;
    Http http(loop, options);
    http.send({"GET", "/ari/recordings/stored/x/file", "", Milliseconds(9000)}, [](auto) {});
    CHECK(others_get_their_turn(loop, fountain));
  }
}
