// Asterisk's end of connections to a client that listens.
#pragma once

#include <cerrno>

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/base64.h"
#include "net/inbound_websocket.h"
#include "net/websocket_handshake.h"
#include "tests/unit/net/listening.h"

namespace aribus::test {

inline constexpr std::string_view visitor_key = "dGhlIHNhbXBsZSBub25jZQ==";

// Asterisk's end of a connection to us.
class Visitor {
 public:
  Visitor(Loop& loop, int port) : loop_(loop), socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  void say(std::string_view bytes) { ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  void say(Opcode opcode, std::string_view payload) {
    std::string frame;
    append_frame(frame, opcode, payload, random_mask());
    say(frame);
  }
  // Asks as Asterisk does.
  void ask(const std::string& password = "s3cret", const std::string& path = "/ari",
           const std::string& subprotocol = "ari") {
    HandshakeRequest request;
    request.target = path;
    request.host = "127.0.0.1";
    request.key = visitor_key;
    request.subprotocols = {subprotocol};
    request.authorization = "Basic " + base64("aribus:" + password);
    say(request_text(request));
  }
  bool hears(std::string_view text) {
    return pump(loop_, [&] { return listen().find(text) != std::string::npos; });
  }
  bool hears_end() {
    return pump(loop_, [&] {
      listen();
      return ended_;
    });
  }
  bool has_ended() {
    listen();
    return ended_;
  }
  void leave() { socket_.reset(); }
  // Leaves with RST.
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    leave();
  }
  const std::string& heard() const { return heard_; }
  bool let_in() { return listen().starts_with("HTTP/1.1 101 "); }
  // Answers the ping that decides between two connections, if it has come.
  void answer_probe() {
    if (listen().find(probe) == std::string::npos) return;
    heard_.clear();
    say(Opcode::pong, probe.substr(2));
  }

 private:
  static constexpr std::string_view probe =
      "\x89\x06"
      "aribus";

  const std::string& listen() {
    char bytes[4096];
    const ssize_t count = ::recv(socket_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (count > 0) heard_.append(bytes, static_cast<size_t>(count));
    ended_ |= count == 0 || (count < 0 && errno != EAGAIN);
    return heard_;
  }

  Loop& loop_;
  Fd socket_;
  std::string heard_;
  bool ended_ = false;
};

// It begins in a timer, after which a turn may sleep.
inline void wait_until_it_listens(Loop& loop, const Client& client) {
  uv_run(loop.raw(), UV_RUN_NOWAIT);
  REQUIRE(pump(loop, [&] { return client.port() != 0; }));
}

// A client that listens, and an Asterisk that answers its requests.
struct OutboundStage {
  explicit OutboundStage(const std::function<void(ClientOptions&)>& change = {})
      : asterisk(loop, behave_well), listening(loop, asterisk.url(), [&](ClientOptions& options) {
          options.listen.emplace();
          options.listen->port = 0;
          options.connect_timeout = Milliseconds(300);
          if (change) change(options);
        }) {
    listening.client->connect();
    wait_until_it_listens(loop, *listening.client);
  }
  Visitor visitor() { return {loop, listening.client->port()}; }
  // So many that have been accepted.
  std::vector<Visitor> visitors(int count) {
    std::vector<Visitor> crowd;
    while (count-- > 0) {
      crowd.push_back(visitor());
      uv_run(loop.raw(), UV_RUN_NOWAIT);
    }
    return crowd;
  }
  bool connected(size_t times = 1) {
    return pump(loop, [&] { return listening.connected.size() == times; });
  }

  Loop loop;
  FakeAsterisk asterisk;
  Listening listening;
};

}  // namespace aribus::test
