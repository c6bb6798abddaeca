// Whoever connects where Asterisk should, and whatever he does there, the listener lives on and lets Asterisk
// in.
//
// Each byte of an input is a deed: its high half says of whom.
#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/base64.h"
#include "base/log.h"
#include "net/inbound_websocket.h"
#include "net/websocket_handshake.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace aribus;

std::string request(const std::string& password) {
  HandshakeRequest request;
  request.target = "/ari";
  request.host = "127.0.0.1";
  request.key = "dGhlIHNhbXBsZSBub25jZQ==";
  request.subprotocols = {"ari"};
  request.authorization = "Basic " + base64("aribus:" + password);
  return request_text(request);
}

std::string frame(Opcode opcode, std::string_view payload, bool final = true) {
  std::string bytes;
  append_frame(bytes, opcode, payload, Mask{1, 2, 3, 4}, final);
  return bytes;
}

ListenOptions any_port() {
  ListenOptions options;
  options.port = 0;
  return options;
}

class Stage {
 public:
  Stage()
      : listener_(loop_, any_port(), "aribus", "secret",
                  [this](auto answer) { asked_ = std::move(answer); }) {
    spdlog::set_level(spdlog::level::off);
  }

  void run(std::string_view deeds) {
    for (const char deed : deeds) act(static_cast<uint8_t>(deed) % 16, static_cast<uint8_t>(deed) / 16);
    for (Fd& visitor : visitors_) leave(visitor);
    listener_.close();
    listen();
    Fd& asterisk = visitors_[0];
    connect(asterisk);
    say(asterisk, request("secret"));
    const int before = opened_;
    for (int turns = 0; opened_ == before; ++turns) {
      require(turns < 10'000, "Asterisk gets in");
      turn();
      answer({});
    }
    leave(asterisk);
  }

 private:
  void act(unsigned deed, unsigned of_whom) {
    Fd& visitor = visitors_[of_whom];
    switch (deed) {
      case 0:
      case 1:
        return connect(visitor);
      case 2:
        return say(visitor, "GET /ari HTTP/1.1\r\nHost: ");
      case 3:
      case 4:
        return say(visitor, request("secret"));
      case 5:
        return say(visitor, request("wrong"));
      case 6:
        return say(visitor, frame(Opcode::pong, "aribus"));
      case 7:
        return say(visitor, frame(Opcode::text, "{}") + frame(Opcode::text, "{", false));
      case 8:
        return say(visitor, frame(Opcode::close, close_payload(close_normal)));
      case 9:
        return leave(visitor);
      case 10:
        return visitor.reset();
      case 11:
        return of_whom % 4 == 0 ? answer(Error{ErrorKind::not_connected, "no", {}}) : answer({});
      case 12:
        if (of_whom == 0) listener_.close();
        if (of_whom == 1) listener_.end(Milliseconds(1));
        if (of_whom == 2) close_when_told_ = true;
        return;
      case 13:
        return listen();
      case 14:
        return say(visitor, "\x81");
      default:
        return turn();
    }
  }

  void listen() {
    if (listener_.port() != 0) return;
    listener_.connect({}, {[this] { ++opened_; }, [](std::string_view, size_t) {},
                           [this](const WebSocketClosed&) {
                             if (std::exchange(close_when_told_, false)) listener_.close();
                           },
                           [] {}});
    for (int turns = 0; listener_.port() == 0 && turns < 100; ++turns) turn();
  }
  void turn() { uv_run(loop_.raw(), UV_RUN_NOWAIT); }
  void answer(const Result<void>& how) {
    if (const auto asked = std::exchange(asked_, nullptr)) asked(how);
  }
  void connect(Fd& visitor) {
    leave(visitor);
    visitor.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(listener_.port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener_.port() != 0)
      static_cast<void>(
          ::connect(visitor.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
  }
  static void say(const Fd& visitor, std::string_view bytes) {
    if (visitor.valid()) ::send(visitor.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  // With RST.
  static void leave(Fd& visitor) {
    const linger at_once{1, 0};
    if (visitor.valid()) ::setsockopt(visitor.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    visitor.reset();
  }

  Loop loop_;
  std::function<void(Result<void>)> asked_;
  int opened_ = 0;
  bool close_when_told_ = false;
  std::array<Fd, 16> visitors_;
  InboundWebSocket listener_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Stage stage;
  stage.run({reinterpret_cast<const char*>(data), size});
  return 0;
}
