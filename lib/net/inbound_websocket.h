// A WebSocket in the server's role: the peer connects to us.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/acceptor.h"
#include "net/guesses.h"
#include "net/retired.h"
#include "net/stream.h"
#include "net/tls.h"
#include "net/websocket.h"
#include "net/websocket_channel.h"

namespace aribus {

struct ListenOptions {
  std::string address = "127.0.0.1";  // numeric
  int port = 8765;                    // 0: any
  std::string path = "/ari";          // that the peer must request
  TlsServerOptions tls = {};
  Milliseconds guess_log_interval{60'000};  // between two log lines about wrong passwords
  bool operator==(const ListenOptions&) const = default;
};

// Waits for the peer to request a WebSocket with user, password and the sub-protocol "ari", and accepts one
// such connection at a time. `closed` is called whenever one ends, and whenever listening or a handshake
// fails; it continues to listen until close().
//
// A second connection is refused while the first one answers a ping, and replaces it otherwise. A dead
// connection is kept as long as TCP keeps it: its peer may continue on it.
//
// At most 32 handshakes are open at a time (pending_handshakes.h chooses which one to drop). Wrong passwords
// are answered with growing delays (Guesses) and logged once a minute with their number.
class InboundWebSocket : public WebSocket {
 public:
  // Called for a request with the right user, password, path and sub-protocol. `answer` must be called once,
  // with the error because of which the request is refused (503), or none.
  using Asked = std::function<void(std::function<void(Result<void>)> answer)>;

  // `username` and `password` are those that the peer must send.
  InboundWebSocket(Loop& loop, ListenOptions options, const std::string& username,
                   const std::string& password, Asked asked);
  ~InboundWebSocket() override;

  // Listens. Of the options, those of an open connection and connect_timeout apply; the latter limits a
  // handshake.
  void connect(WebSocketOptions options, Handlers handlers) override;
  Result<void> send(std::string text) override { return channel_.send(text); }
  void set_times(Milliseconds ping_interval, Milliseconds silence_timeout) override {
    websocket_options_.ping_interval = ping_interval;
    websocket_options_.silence_timeout = silence_timeout;
    channel_.set_times(ping_interval, silence_timeout);
  }
  [[nodiscard]] Milliseconds last_byte() const override { return channel_.last_byte(); }
  // Stops listening; see WebSocket.
  void end(Milliseconds timeout) override;
  // Stops listening; see WebSocket.
  void close() override;

  // The port on which it listens; 0 when it does not.
  [[nodiscard]] int port() const { return port_; }
  // Number of requests with a wrong user or password so far.
  [[nodiscard]] uint64_t wrong_passwords() const { return guesses_.total(); }

 private:
  class PendingHandshake;

  void listen();
  void on_accept(Fd socket);
  bool make_room();
  void take(PendingHandshake& handshake, const std::string& head);
  void turn_away(PendingHandshake& handshake);
  void log_guess(const std::string& reason);
  void log_further_guesses();
  void ask();
  void settle(uint64_t number, const Result<void>& answer);
  void open();
  void drop(PendingHandshake& handshake);
  void fail(std::string reason);
  void stop_listening();

  Loop& loop_;
  ListenOptions options_;
  std::string expected_;  // digest of the right Authorization header
  Asked asked_;
  WebSocketOptions websocket_options_;
  std::shared_ptr<const Handlers> handlers_;  // a callback may replace the current ones
  std::unique_ptr<TlsServer> tls_;
  std::unique_ptr<Acceptor> acceptor_;
  int port_ = 0;
  Timer retry_;
  std::deque<std::unique_ptr<PendingHandshake>> pending_;  // handshakes under way
  Retired<PendingHandshake> gone_;
  PendingHandshake* candidate_ = nullptr;  // of pending_: the one for which asked_ was called
  uint64_t asking_ = 0;                    // counts the calls of asked_ and the probes
  Guesses guesses_;
  Timer guess_log_;  // runs for guess_log_interval after each line about them
  uint64_t unlogged_guesses_ = 0;
  WebSocketChannel channel_;
};

}  // namespace aribus
