#include "sockets.h"

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/websocket_handshake.h"
#include "tests/sim/http.h"
#include "trace.h"

namespace aribus::bench {
namespace {

constexpr std::string_view server = "Asterisk/22.0.0";
constexpr std::string_view info =
    R"({"build":{},"system":{"version":"22.0.0","entity_id":"02:fc:00:00:00:01"},"config":{},)"
    R"("status":{"startup_time":"2026-11-23T00:00:00.000+0000","last_reload_time":"2026-11-23T00:00:00.000+0000"}})";

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) fail("the socket's path is too long: " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

void send_without_delay(int fd) {
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

// Answers one request; true when the connection is a WebSocket from then on.
bool answer(int fd, const sim::HttpRequest& request) {
  if (const std::string key = request.header("sec-websocket-key"); !key.empty()) {
    write_all(fd, accepting_answer(key, request.header("sec-websocket-protocol")));
    send_without_delay(fd);
    return true;
  }
  sim::HttpReply reply = sim::html_error(404, "Not found", server);
  if (request.path() == "/ari/asterisk/info") {
    reply.status = 200;
    reply.content_type = "application/json";
    reply.body = info;
  }
  write_all(fd, sim::rendered(reply, server));
  return false;
}

}  // namespace

Fd connect_to(const std::string& address) {
  if (address.starts_with('/')) {
    const sockaddr_un there = unix_address(address);
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    require(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0,
            "connecting to " + address);
    return socket;
  }
  sockaddr_in there{};
  there.sin_family = AF_INET;
  there.sin_port = htons(static_cast<uint16_t>(std::atoi(address.c_str())));
  there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  require(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0,
          "connecting to port " + address);
  send_without_delay(socket.get());
  return socket;
}

Fd listen_on(const std::string& path) {
  const sockaddr_un here = unix_address(path);
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  require(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&here), sizeof here) == 0 &&
              ::listen(socket.get(), SOMAXCONN) == 0,
          "listening on " + path);
  return socket;
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {
      pollfd state{fd, POLLOUT, 0};
      ::poll(&state, 1, -1);
      continue;
    }
    require(count > 0, "writing");
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void set_nonblocking(int fd) {
  require(::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK) == 0, "making a socket non-blocking");
}

void become_websocket(int fd) {
  HandshakeRequest handshake;
  handshake.target = "/rpc";
  handshake.host = "localhost";
  handshake.key = random_key();
  write_all(fd, request_text(handshake));
  std::string head;
  for (char byte = 0; !head.ends_with("\r\n\r\n"); head += byte)
    require(::recv(fd, &byte, 1, 0) == 1, "reading the answer of a handshake");
  const HandshakeAnswer answer = read_answer(head, handshake);
  if (answer.status != 101 || !answer.error.empty()) fail("aribusd answers the handshake with " + head);
}

Fd accept_websocket(int listener) {
  struct Peer {
    Fd socket;
    std::string input;
  };
  std::vector<Peer> peers;
  for (;;) {
    std::vector<pollfd> states{{listener, POLLIN, 0}};
    for (const Peer& peer : peers) states.push_back({peer.socket.get(), POLLIN, 0});
    require(::poll(states.data(), states.size(), 10'000) > 0, "nobody asks for the events: poll");
    for (size_t i = peers.size(); i-- > 0;) {
      if (states[i + 1].revents == 0) continue;
      Peer& peer = peers[i];
      char buffer[4096];
      const ssize_t count = ::recv(peer.socket.get(), buffer, sizeof buffer, 0);
      if (count <= 0) {
        peers.erase(peers.begin() + static_cast<std::ptrdiff_t>(i));
        continue;
      }
      peer.input.append(buffer, static_cast<size_t>(count));
      sim::HttpRequest request;
      std::string error;
      while (sim::take_request(peer.input, request, error) == sim::Taken::request) {
        if (answer(peer.socket.get(), request)) return std::move(peer.socket);
      }
      if (!error.empty()) fail("a bad request came: " + error);
    }
    if (states[0].revents != 0)
      peers.push_back({Fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)), {}});
  }
}

}  // namespace aribus::bench
