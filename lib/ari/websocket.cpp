#include "ari/websocket.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "ari/lookup.h"
#include "ari/stream.h"
#include "ari/websocket_frame.h"
#include "ari/websocket_handshake.h"
#include "base/bytes.h"

namespace aribus::ari {
namespace {

constexpr size_t max_unsent_bytes = 1 << 20;
constexpr size_t max_unsent_pong_bytes = 64 << 10;  // a pong is not queued behind more
constexpr size_t read_bytes = 128 << 10;
constexpr uint64_t turn_limit_ns = 2'000'000;  // of handling messages, before the loop does something else
constexpr unsigned clock_interval = 16;        // messages from one look at the clock to the next
constexpr Milliseconds farewell_timeout{1000};

class StreamWebSocket : public WebSocket {
 public:
  explicit StreamWebSocket(Loop& loop)
      : loop_(loop),
        deadline_(loop),
        attempt_deadline_(loop),
        heartbeat_(loop),
        farewell_deadline_(loop),
        rest_(loop, [this] { take_rest(); }),
        buffer_(std::make_unique<char[]>(read_bytes)) {}
  ~StreamWebSocket() override { close(); }

  void connect(WebSocketOptions options, Handlers handlers) override;
  Result<void> send(std::string text) override;
  void close() override;

 private:
  void connect_to_next_address();
  void on_connected();
  void on_readable();
  void take_rest();
  bool receive();
  bool take_messages(uint64_t began_ns);
  bool take_answer();
  void refuse(int status, std::string body);
  void on_opened();
  void handle(const Received& received);
  void on_peer_close(const Received& received);
  void beat();
  void heard();
  void write_frame(Opcode opcode, std::string_view payload);
  void say_goodbye(uint16_t code);
  void lose(const std::string& reason);
  void fail_attempt(const std::string& reason);
  void finish(WebSocketClosed closed);

  Loop& loop_;
  WebSocketOptions options_;
  std::shared_ptr<const Handlers> handlers_;  // a callback may have replaced those at hand
  Lookup lookup_;
  Timer deadline_;
  Timer attempt_deadline_;  // of one address, while there are others
  Timer heartbeat_;
  Timer farewell_deadline_;
  EndOfTurn rest_;
  std::vector<std::string> addresses_;  // still to be tried, the next one last
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Stream> farewell_;  // the one before, until its peer has seen the close frame
  uint64_t connection_ = 0;           // counts streams: a callback may have replaced the one at hand
  HandshakeRequest request_;
  std::string answer_;  // what came of it
  bool open_ = false;
  FrameReader reader_;
  std::unique_ptr<char[]> buffer_;
  std::string_view unread_;  // in buffer_
  Milliseconds last_byte_{0};
  std::optional<Milliseconds> asked_;  // when the first ping since the last byte was sent
  Milliseconds asked_last_{0};         // when the last one was
};

void StreamWebSocket::connect(WebSocketOptions options, Handlers handlers) {
  close();
  options_ = std::move(options);
  handlers_ = std::make_shared<Handlers>(std::move(handlers));
  deadline_.once(options_.connect_timeout, [this] {
    finish({0,
            "no WebSocket at " + options_.url.authority() + " within " +
                std::to_string(options_.connect_timeout.count()) + " ms",
            {}});
  });
  lookup_.start(loop_, options_.url.host,
                [this](std::vector<std::string> addresses, const std::string& error) {
                  addresses_.assign(addresses.rbegin(), addresses.rend());
                  if (addresses_.empty()) {
                    finish({0, "the name " + options_.url.host + " has no address: " + error, {}});
                    return;
                  }
                  connect_to_next_address();
                });
}

void StreamWebSocket::connect_to_next_address() {
  const std::string address = std::move(addresses_.back());
  addresses_.pop_back();
  ++connection_;
  answer_.clear();
  Stream::Handlers handlers;
  handlers.connected = [this] { on_connected(); };
  handlers.failed = [this](const std::string& reason) { fail_attempt(reason); };
  handlers.readable = [this] { on_readable(); };
  auto stream = Stream::connect(loop_, address, options_.url, options_.tls, std::move(handlers));
  if (!stream) {
    // Not from within connect().
    attempt_deadline_.once(Milliseconds(0),
                           [this, reason = stream.error().message] { fail_attempt(reason); });
    return;
  }
  stream_ = std::move(*stream);
  if (addresses_.empty()) return attempt_deadline_.stop();
  attempt_deadline_.once(options_.connect_timeout / static_cast<int>(addresses_.size() + 1),
                         [this, address] { fail_attempt("no answer from " + address); });
}

void StreamWebSocket::on_connected() {
  request_.target = options_.target;
  request_.host = options_.url.authority();
  request_.key = random_key();
  request_.subprotocols = {options_.subprotocol};
  request_.authorization = options_.authorization;
  stream_->write(request_text(request_));
  if (stream_->has_more()) on_readable();
}

Result<void> StreamWebSocket::send(std::string text) {
  if (!open_) return Error{ErrorKind::not_connected, "the WebSocket is not open", {}};
  if (stream_->unsent_bytes() + text.size() > max_unsent_bytes) {
    return Error{ErrorKind::too_much, "1 MiB waits to be sent on the WebSocket already", {}};
  }
  write_frame(Opcode::text, text);
  return {};
}

void StreamWebSocket::write_frame(Opcode opcode, std::string_view payload) {
  std::string frame;
  append_frame(frame, opcode, payload, random_mask());
  stream_->write(frame);
}

void StreamWebSocket::close() {
  lookup_.cancel();
  deadline_.stop();
  attempt_deadline_.stop();
  heartbeat_.stop();
  addresses_.clear();
  unread_ = {};
  ++connection_;
  if (open_) say_goodbye(close_normal);
  stream_.reset();
}

// Sends a close frame and leaves the rest to the peer, which closes the connection when it has read it.
void StreamWebSocket::say_goodbye(uint16_t code) {
  open_ = false;
  write_frame(Opcode::close, code == close_no_code ? "" : close_payload(code));
  farewell_ = std::move(stream_);
  farewell_->leave([this] {
    farewell_deadline_.stop();
    farewell_.reset();
  });
  farewell_deadline_.once(farewell_timeout, [this] { farewell_.reset(); });
}

void StreamWebSocket::finish(WebSocketClosed closed) {
  close();
  const auto handlers = handlers_;
  if (handlers->closed) handlers->closed(closed);
}

// The connection has ended, or one of the addresses has none.
void StreamWebSocket::lose(const std::string& reason) {
  if (!open_) {
    if (const size_t size = handshake_size(answer_); size > 0) {
      const HandshakeAnswer answer = read_answer(std::string_view(answer_).substr(0, size), request_);
      return refuse(answer.status, answer_.substr(size));
    }
    return fail_attempt(reason);
  }
  open_ = false;  // there is nobody to say goodbye to
  finish({0, "the connection was closed without a close frame: " + reason, {}});
}

void StreamWebSocket::fail_attempt(const std::string& reason) {
  stream_.reset();
  if (!addresses_.empty()) return connect_to_next_address();
  finish({0, "no WebSocket at " + options_.url.authority() + ": " + reason, {}});
}

void StreamWebSocket::on_opened() {
  open_ = true;
  addresses_.clear();
  attempt_deadline_.stop();
  deadline_.stop();
  reader_ = FrameReader({WebSocketRole::client, false, options_.max_message_bytes});
  heard();
  beat();
  if (handlers_->opened) handlers_->opened();
}

void StreamWebSocket::heard() {
  last_byte_ = loop_.now();
  asked_.reset();
}

// Any byte proves that the other side is there and reaches us: what a pong says, an event says as well.
// Silence alone proves nothing: this process may have been stopped, and its pings with it. A ping without an
// answer does.
void StreamWebSocket::beat() {
  const Milliseconds now = loop_.now();
  const Milliseconds ping_at = (asked_ ? asked_last_ : last_byte_) + options_.ping_interval;
  const Milliseconds dead_at = asked_ ? *asked_ + options_.silence_timeout - options_.ping_interval : ping_at;
  if (asked_ && now >= dead_at) {
    finish({0, "dead: not a byte for " + std::to_string((now - last_byte_).count()) + " ms", {}});
    return;
  }
  if (now >= ping_at) {
    if (!asked_) asked_ = now;
    asked_last_ = now;
    write_frame(Opcode::ping, {});
    return beat();
  }
  heartbeat_.once((asked_ ? std::min(ping_at, dead_at) : ping_at) - now, [this] { beat(); });
}

void StreamWebSocket::on_readable() {
  if (!unread_.empty()) return;  // it is the rest's turn
  const uint64_t began = uv_hrtime();
  const auto handlers = handlers_;
  do {
    if (!receive() || !take_messages(began)) return;
  } while (stream_->has_more());
}

// What is left of a long burst comes after what else waits in this turn of the loop.
void StreamWebSocket::take_rest() {
  const auto handlers = handlers_;
  if (open_ && take_messages(uv_hrtime()) && stream_->has_more()) on_readable();
}

// False: there is nothing yet, or the connection at hand is no more.
bool StreamWebSocket::receive() {
  const Result<size_t> count = stream_->read(buffer_.get(), read_bytes);
  if (!count) {
    lose(count.error().message);
    return false;
  }
  if (*count == 0) return false;
  unread_ = {buffer_.get(), *count};
  heard();
  return open_ || take_answer();
}

// False: the turn took long enough, or the connection at hand is no more.
bool StreamWebSocket::take_messages(uint64_t began_ns) {
  const uint64_t connection = connection_;
  for (unsigned count = 1; const auto received = reader_.next(unread_); ++count) {
    handle(*received);
    if (connection != connection_) return false;
    if (count % clock_interval != 0 || uv_hrtime() - began_ns < turn_limit_ns) continue;
    rest_.request();
    return false;
  }
  return true;
}

// False: its end has not come yet, or the connection at hand is no more.
bool StreamWebSocket::take_answer() {
  const uint64_t connection = connection_;
  const size_t before = answer_.size();
  answer_ += unread_;
  const size_t size = handshake_size(answer_);
  if (std::max(size, size == 0 ? answer_.size() : 0) > max_handshake_bytes) {
    fail_attempt("its answer is over " + std::to_string(max_handshake_bytes) + " bytes");
    return false;
  }
  if (size == 0) {
    unread_ = {};
    return false;
  }
  const HandshakeAnswer answer = read_answer(std::string_view(answer_).substr(0, size), request_);
  if (!answer.error.empty()) {
    fail_attempt(answer.error);
    return false;
  }
  if (answer.status != 101) {
    unread_ = {};
    const size_t body_bytes = std::min(answer.body_bytes, max_handshake_bytes);
    if (answer_.size() >= size + body_bytes) refuse(answer.status, answer_.substr(size, body_bytes));
    return false;
  }
  unread_.remove_prefix(size - before);
  on_opened();
  return connection == connection_;
}

void StreamWebSocket::refuse(int status, std::string body) {
  finish({status, "the WebSocket was refused with HTTP status " + std::to_string(status), std::move(body)});
}

void StreamWebSocket::handle(const Received& received) {
  switch (received.kind) {
    case Received::Kind::text:
    case Received::Kind::binary:  // Asterisk sends none; it is not for us to drop it
      handlers_->text(received.payload, received.total_bytes);
      return;
    case Received::Kind::ping:
      if (stream_->unsent_bytes() < max_unsent_pong_bytes) write_frame(Opcode::pong, received.payload);
      return;
    case Received::Kind::pong:
      return;
    case Received::Kind::close:
      return on_peer_close(received);
    case Received::Kind::violation:
      say_goodbye(received.code);
      return finish({0, "Asterisk breaks the WebSocket protocol: " + std::string(received.payload), {}});
  }
}

void StreamWebSocket::on_peer_close(const Received& received) {
  std::string reason = "Asterisk closed it";
  if (received.code != close_no_code) reason += " with code " + std::to_string(received.code);
  if (!received.payload.empty()) reason += ": " + to_valid_utf8(received.payload, max_control_payload_bytes);
  say_goodbye(received.code);
  finish({0, reason, {}});
}

}  // namespace

std::unique_ptr<WebSocket> make_websocket(Loop& loop) {
  return std::make_unique<StreamWebSocket>(loop);
}

}  // namespace aribus::ari
