// A WebSocket, what it said, and the scripted server at its other end.
#pragma once

#include "net/websocket.h"
#include "tests/catch.h"
#include "tests/support/fake_asterisk.h"
#include "tests/unit/helpers.h"

namespace aribus::test {

using namespace ari;

struct Socket {
  Loop& loop;
  int opened = 0;
  std::vector<std::pair<std::string, size_t>> texts;
  std::vector<WebSocketClosed> closed;
  std::unique_ptr<WebSocket> socket;

  explicit Socket(Loop& its_loop) : loop(its_loop), socket(make_websocket(loop)) {}

  WebSocketOptions options(int port) const {
    WebSocketOptions options;
    options.url.host = "127.0.0.1";
    options.url.port = port;
    options.target = "/ari/events?app=demo";
    options.authorization = "Basic eA==";
    options.subprotocol = "ari";
    options.connect_timeout = Milliseconds(2000);
    return options;
  }
  void connect(WebSocketOptions options) {
    socket->connect(std::move(options),
                    {[this] { ++opened; },
                     [this](std::string_view text, size_t total) { texts.emplace_back(text, total); },
                     [this](const WebSocketClosed& why) { closed.push_back(why); }});
  }
  // Connects to `asterisk` and returns its end.
  FakeAsterisk::Peer& open(FakeAsterisk& asterisk, WebSocketOptions with) {
    connect(std::move(with));
    REQUIRE(pump(loop, [&] { return opened == 1; }));
    return *asterisk.websocket();
  }
  FakeAsterisk::Peer& open(FakeAsterisk& asterisk) { return open(asterisk, options(asterisk.port())); }
  bool wait_for_texts(size_t count) {
    return pump(loop, [&] { return texts.size() >= count; });
  }
};

inline void upgrade(FakeAsterisk::Peer& peer, const std::string& request) {
  peer.upgrade(request);
}

}  // namespace aribus::test
