// A scripted TCP server on the test's own loop: it does what the test says, and keeps what it was sent.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "net/loop.h"

namespace aribus::test {

class FakeAsterisk {
 public:
  // One connection that a client made.
  class Peer {
   public:
    Peer(FakeAsterisk& owner, Fd socket);
    // Sends raw bytes.
    void send(std::string_view bytes);
    // Answers an HTTP request; the connection stays open.
    void answer(int status, std::string_view body, std::string_view more_headers = "");
    // Accepts the WebSocket handshake in `request`.
    void upgrade(const std::string& request);
    // Sends one WebSocket frame of opcode `opcode`; `final` is its FIN bit.
    void frame(int opcode, std::string_view payload, bool final = true);
    void text(std::string_view payload) { frame(1, payload); }
    void close();
    // Closes it with RST.
    void reset();
    // Reads nothing more: bytes pile up unanswered, as from a machine that hangs.
    void fall_silent();
    [[nodiscard]] bool open() const { return socket_.valid(); }
    [[nodiscard]] bool upgraded() const { return upgraded_; }

   private:
    friend class FakeAsterisk;
    void read();
    void read_frames();

    FakeAsterisk& owner_;
    Fd socket_;
    std::optional<Poll> poll_;
    std::string input_;
    bool upgraded_ = false;
  };

  // Called for each complete HTTP request.
  using Script = std::function<void(Peer&, const std::string& request)>;

  FakeAsterisk(Loop& loop, Script script);

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  // Requests in the order in which they came: head and body.
  std::vector<std::string> requests;
  // Connections in the order in which they came, closed ones included.
  std::vector<std::unique_ptr<Peer>> peers;
  // WebSocket frames received: their opcodes.
  std::vector<int> frames;
  std::string last_pong;
  // Called for each text that comes over a WebSocket.
  std::function<void(Peer&, const std::string& text)> on_text;

  void set_script(Script script) { script_ = std::move(script); }
  // The connection that is a WebSocket now, or nullptr.
  [[nodiscard]] Peer* websocket() const;
  // How many requests begin with `start`, as "GET /ari/asterisk/info".
  [[nodiscard]] size_t count(std::string_view start) const;
  // Accepts no more connections: they are refused.
  void stop_listening();

 private:
  Loop& loop_;
  Script script_;
  int port_ = 0;
  Fd listener_;
  std::optional<Poll> poll_;
};

// What an Asterisk answers to GET /ari/asterisk/info.
inline constexpr std::string_view info_body =
    R"({"build":{"os":"Linux"},"system":{"version":"22.10.1","entity_id":"02:fc:00:00:00:01"},)"
    R"("config":{"name":""},"status":{"startup_time":"2026-11-22T21:00:00.000+0000"}})";

// The script of a well-behaved Asterisk: info, the WebSocket, and 204 for everything else.
void behave_well(FakeAsterisk::Peer& peer, const std::string& request);

}  // namespace aribus::test
