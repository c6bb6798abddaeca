// The event stream the other way round: Asterisk connects, we listen.
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
  std::string path = "/ari";          // that Asterisk must ask for
  TlsServerOptions tls = {};
  Milliseconds guess_log_interval{60'000};  // from one line about wrong passwords to the next
  bool operator==(const ListenOptions&) const = default;
};

// Waits for Asterisk, which asks for a WebSocket with user, password and the sub-protocol "ari", and takes
// one such connection at a time. `closed` is called whenever one ends, and whenever listening or an attempt
// of Asterisk's fails; waiting goes on by itself until close().
//
// A second connection is refused while the first one answers a ping, and takes its place when it does not.
// One that is dead is kept, for as long as TCP keeps it: it may wake up.
//
// At most 32 may connect at a time without being let in (pending_handshakes.h says who goes); wrong passwords
// are answered ever more slowly (Guesses), and logged once a minute, with their number.
class InboundWebSocket : public WebSocket {
 public:
  // Called when Asterisk asks, and user, password, path and sub-protocol are right: `answer` is to be called
  // once, with the error for which it is refused (503), or none.
  using Asked = std::function<void(std::function<void(Result<void>)> answer)>;

  // `username` and `password` are what Asterisk must send.
  InboundWebSocket(Loop& loop, ListenOptions options, const std::string& username,
                   const std::string& password, Asked asked);
  ~InboundWebSocket() override;

  // Listens. Of the options, those of the open connection count, and connect_timeout, within which Asterisk's
  // handshake must be done.
  void connect(WebSocketOptions options, Handlers handlers) override;
  Result<void> send(std::string text) override { return channel_.send(text); }
  void set_times(Milliseconds ping_interval, Milliseconds silence_timeout) override {
    websocket_options_.ping_interval = ping_interval;
    websocket_options_.silence_timeout = silence_timeout;
    channel_.set_times(ping_interval, silence_timeout);
  }
  [[nodiscard]] Milliseconds last_byte() const override { return channel_.last_byte(); }
  // Listens no more; see WebSocket.
  void end(Milliseconds timeout) override;
  // Listens no more; see WebSocket.
  void close() override;

  // That it listens on; 0 when it does not.
  [[nodiscard]] int port() const { return port_; }
  // Attempts to connect with a wrong user or password, since it was made.
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
  std::string expected_;  // digest of the Authorization header that is right
  Asked asked_;
  WebSocketOptions websocket_options_;
  std::shared_ptr<const Handlers> handlers_;  // a callback may have replaced those at hand
  std::unique_ptr<TlsServer> tls_;
  std::unique_ptr<Acceptor> acceptor_;
  int port_ = 0;
  Timer retry_;
  std::deque<std::unique_ptr<PendingHandshake>> pending_;  // whose handshake is under way
  Retired<PendingHandshake> gone_;
  PendingHandshake* candidate_ = nullptr;  // of pending_: the one about whom asked_ was called
  uint64_t asking_ = 0;                    // counts the questions
  Guesses guesses_;
  Timer guess_log_;  // runs for a minute after each line about them
  uint64_t unlogged_guesses_ = 0;
  WebSocketChannel channel_;
};

}  // namespace aribus
