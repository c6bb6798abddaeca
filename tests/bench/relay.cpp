// The floor: a relay from a WebSocket to Unix sockets that looks into nothing. It copies each text frame as a
// line to its subscribers, all that came with one read in one write each, and waits for a subscriber that
// does not read.
//
// Usage: bench_relay PORT SOCKET [LANES]. With LANES each event goes to one lane in turns, and subscriber n
// reads lane n % LANES: deliveries to whom they concern, for nothing.
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

#include "sockets.h"
#include "trace.h"

namespace {

using namespace aribus;
using namespace aribus::bench;

constexpr size_t read_bytes = 256 * 1024;

Fd ask_for_events(const std::string& port) {
  Fd socket = connect_to(port);
  write_all(socket.get(),
            "GET /ari/events?app=bench HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n");
  std::string answer;
  for (char byte = 0; !answer.ends_with("\r\n\r\n"); answer += byte) {
    require(::recv(socket.get(), &byte, 1, 0) == 1, "reading the handshake's answer");
  }
  if (!answer.starts_with("HTTP/1.1 101 ")) fail("the events were refused: " + answer);
  return socket;
}

// Copies the payloads of the whole frames in `bytes` to the lanes, and returns how many bytes those were.
size_t copy_frames(std::string_view bytes, std::vector<std::string>& lanes, size_t& next_lane) {
  size_t at = 0;
  const auto byte = [&](size_t i) { return static_cast<uint64_t>(static_cast<uint8_t>(bytes[at + i])); };
  while (bytes.size() - at >= 4) {
    uint64_t size = byte(1);
    size_t header = 2;
    if (size == 126) {
      size = byte(2) << 8 | byte(3);
      header = 4;
    } else if (size == 127) {
      fail("frames over 65,535 bytes are not for this relay");
    }
    if (bytes.size() - at < header + size) break;
    std::string& lane = lanes[next_lane];
    lane.append(bytes, at + header, size);
    lane += '\n';
    if (++next_lane == lanes.size()) next_lane = 0;
    at += header + size;
  }
  return at;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) fail("Usage: bench_relay PORT SOCKET [LANES]");
  const Fd listener = listen_on(argv[2]);
  const Fd events = ask_for_events(argv[1]);
  std::vector<std::string> lanes(argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 1);
  size_t next_lane = 0;
  std::vector<Fd> subscribers;
  std::string input(read_bytes, '\0');
  size_t kept = 0;  // bytes of a frame that is not whole yet
  for (;;) {
    pollfd states[] = {{events.get(), POLLIN, 0}, {listener.get(), POLLIN, 0}};
    if (::poll(states, 2, -1) < 0 && errno == EINTR) continue;
    if (states[1].revents != 0) {
      const Fd& subscriber =
          subscribers.emplace_back(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      write_all(subscriber.get(), "ready\n");
    }
    if (states[0].revents == 0) continue;
    const ssize_t count = ::recv(events.get(), input.data() + kept, input.size() - kept, 0);
    if (count <= 0) return 0;
    const size_t size = kept + static_cast<size_t>(count);
    const size_t copied = copy_frames(std::string_view(input).substr(0, size), lanes, next_lane);
    kept = size - copied;
    std::memmove(input.data(), input.data() + copied, kept);
    for (size_t i = 0; i < subscribers.size(); ++i) {
      write_all(subscribers[i].get(), lanes[i % lanes.size()]);
    }
    for (std::string& lane : lanes) lane.clear();
  }
}
