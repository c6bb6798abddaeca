// Whatever Asterisk's HTTP server answers, each request is answered once, and no answer is over its bounds.
//
// The first byte of an input picks the methods, the second how the rest is cut; 0x01 in it is a pause, 0x02
// the end of the connection, 0x03 an end with RST.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <sys/socket.h>

#include "net/http.h"
#include "net/tcp_socket.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace aribus;

constexpr size_t max_response_bytes = 4096;

// An Http, and the server that it asks, on one loop. What the server says is said on the next connection that
// comes, or on the one that stands.
class Stage {
 public:
  Stage() : listening_(listen_on_tcp("127.0.0.1", port_).value()) {
    HttpOptions options;
    options.url.host = "127.0.0.1";
    options.url.port = port_;
    options.max_connections = 2;
    options.max_response_bytes = max_response_bytes;
    http_.emplace(loop_, options);
  }

  void run(const std::string& method, std::string_view says, size_t piece) {
    int answers = 0;
    for (int i = 0; i < 2; ++i) {
      http_->send({method, "/ari/channels", "", Milliseconds(2000)}, [&](Result<HttpResponse> answer) {
        ++answers;
        if (!answer) return;
        require(answer->body.size() <= max_response_bytes, "an answer is within its bound");
        require(answer->status >= 0 && answer->status <= 999, "a status has three digits");
      });
    }
    while (!says.empty() && answers < 2) {
      const size_t end = std::min({says.find_first_of("\x01\x02\x03"), says.size(), piece});
      say(says.substr(0, end));
      says.remove_prefix(end);
      if (says.empty() || says[0] < 1 || says[0] > 3) continue;
      turn();
      if (says[0] == 2) peer_.reset();
      if (says[0] == 3) reset();
      says.remove_prefix(1);
    }
    int turns = 0;
    while (answers < 2) {
      require(++turns < 100'000, "every request is answered");
      turn();
      reset();  // and whoever comes again
    }
    require(answers == 2 && http_->open_requests() == 0, "and once");
  }

 private:
  void turn() {
    for (int times = 0; times < 3; ++times) uv_run(loop_.raw(), UV_RUN_NOWAIT);
    if (!peer_.valid()) {
      peer_.reset(::accept4(listening_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    }
    char bytes[4096];
    while (peer_.valid() && ::recv(peer_.get(), bytes, sizeof bytes, MSG_DONTWAIT) > 0) {
    }
  }
  void say(std::string_view bytes) {
    for (int turns = 0; turns < 50 && !peer_.valid(); ++turns) turn();
    if (peer_.valid()) ::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    turn();
  }
  void reset() {
    const linger at_once{1, 0};
    if (peer_.valid()) ::setsockopt(peer_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    peer_.reset();
  }

  Loop loop_;
  int port_ = 0;
  Fd listening_;
  Fd peer_;
  std::optional<Http> http_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Stage stage;
  if (size < 2) return 0;
  static const std::string methods[] = {"GET", "POST", "PUT", "DELETE"};
  stage.run(methods[data[0] % 4], {reinterpret_cast<const char*>(data) + 2, size - 2}, 1 + data[1] * 4U);
  return 0;
}
