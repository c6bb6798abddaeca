// What one event costs on the WebSocket, from the socket to its text: connects to a simulator that replays a
// trace, and takes COUNT messages or somewhat more.
//
// Usage: websocket_cost PORT COUNT. Run it with tests/bench/websocket-cost.
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "ari/websocket.h"
#include "base/bytes.h"

namespace {

double cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("Usage: websocket_cost PORT COUNT\n", stderr);
    return 2;
  }
  const size_t count = std::strtoul(argv[2], nullptr, 10);
  aribus::Loop loop;
  aribus::ari::WebSocketOptions options;
  options.url.host = "127.0.0.1";
  options.url.port = std::atoi(argv[1]);
  options.target = "/ari/events?app=bench";
  options.authorization = "Basic " + aribus::base64("aribus:aribus-test-secret");
  options.subprotocol = "ari";
  size_t taken = 0;
  size_t bytes = 0;
  double began = 0;
  const auto socket = aribus::ari::make_websocket(loop);
  socket->connect(options, {[&] { began = cpu_us(); },
                            [&](std::string_view text, size_t) {
                              bytes += text.size();
                              if (++taken == count) loop.stop();
                            },
                            [&](const aribus::ari::WebSocketClosed& closed) {
                              std::fprintf(stderr, "websocket_cost: %s\n", closed.reason.c_str());
                              loop.stop();
                            }});
  loop.run();
  const double used = cpu_us() - began;
  if (taken == 0) return 1;
  const auto events = static_cast<double>(taken);
  std::printf("%zu events, %zu bytes each, %.3f us of CPU each\n", taken, bytes / taken, used / events);
  return 0;
}
