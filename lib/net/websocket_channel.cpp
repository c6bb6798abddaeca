#include "net/websocket_channel.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/utf8.h"

namespace aribus {
namespace {

constexpr size_t max_unsent_bytes = 1 << 20;
constexpr size_t max_unsent_pong_bytes = 64 << 10;  // a pong is not queued behind more than this
constexpr size_t buffer_bytes = 128 << 10;
constexpr uint64_t messages_limit_ns = 2'000'000;  // for handling messages, before the loop does other work
constexpr unsigned clock_interval = 16;        // messages between two looks at the clock
constexpr size_t clock_bytes = 16 << 10;       // or so many bytes of them
constexpr Milliseconds closing_timeout{1000};
constexpr Milliseconds quiet_time{20};  // without a byte, before a close frame is sent
constexpr Milliseconds max_quiet_wait{500};
constexpr std::string_view probe_payload = "aribus";

}  // namespace

WebSocketChannel::WebSocketChannel(Loop& loop)
    : loop_(loop),
      heartbeat_(loop),
      end_deadline_(loop),
      closing_deadline_(loop),
      probe_deadline_(loop),
      rest_(loop, [this] { take_rest(); }),
      gone_(loop),
      buffer_(std::make_unique<char[]>(buffer_bytes)) {}

void WebSocketChannel::open(std::unique_ptr<Stream> stream, ChannelOptions options, Handlers handlers,
                            std::string_view first) {
  close();
  options_ = options;
  handlers_ = std::make_shared<Handlers>(std::move(handlers));
  stream_ = std::move(stream);
  reader_ = FrameReader({options_.role, false, options_.max_message_bytes});
  std::memcpy(buffer_.get(), first.data(), std::min(first.size(), buffer_bytes));
  unread_ = {buffer_.get(), std::min(first.size(), buffer_bytes)};
  stream_->on_readable([this] { on_readable(); });
  heard();
  beat();
  if (!unread_.empty() || stream_->has_more()) rest_.request();
}

Result<void> WebSocketChannel::send(std::string_view text) {
  if (!is_open() || ending_) return Error{ErrorKind::not_connected, "the WebSocket is not open", {}};
  if (stream_->unsent_bytes() + text.size() > max_unsent_bytes) {
    return Error{ErrorKind::too_much, "1 MiB waits to be sent on the WebSocket already", {}};
  }
  write_frame(Opcode::text, text);
  return {};
}

void WebSocketChannel::write_frame(Opcode opcode, std::string_view payload) {
  std::string frame;
  const bool masked = options_.role == WebSocketRole::client;
  append_frame(frame, opcode, payload, masked ? std::optional(random_mask()) : std::nullopt);
  stream_->write(frame);
}

void WebSocketChannel::probe(Milliseconds timeout, std::function<void(bool alive)> done) {
  const auto before = take_probe();
  const bool sent = is_open() && !ending_;
  if (sent) {
    probed_ = std::move(done);
    probe_deadline_.once(timeout, [this] { answer_probe(false); });
    write_frame(Opcode::ping, probe_payload);
  }
  if (before) before(false);
  if (!sent) done(false);
}

std::function<void(bool)> WebSocketChannel::take_probe() {
  probe_deadline_.stop();
  return std::exchange(probed_, nullptr);
}

void WebSocketChannel::answer_probe(bool alive) {
  if (const auto done = take_probe()) done(alive);
}

// Waits for a quiet moment. A peer with separate reading and writing threads (Asterisk 22.10) can lose
// messages that it sends while it handles a close frame, and can even crash: its reading thread frees the
// connection without the lock of its writing threads.
void WebSocketChannel::end(Milliseconds timeout) {
  if (!is_open() || ending_) return;
  const Milliseconds quiet_by = loop_.now() + std::min(max_quiet_wait, timeout / 2);
  end_when_quiet(quiet_by, timeout);
}

void WebSocketChannel::end_when_quiet(Milliseconds quiet_by, Milliseconds timeout) {
  const Milliseconds now = loop_.now();
  const Milliseconds quiet_at = std::min(last_byte_ + quiet_time, quiet_by);
  if (now < quiet_at) {
    end_deadline_.once(quiet_at - now, [=, this] { end_when_quiet(quiet_by, timeout); });
    return;
  }
  ending_ = true;
  heartbeat_.stop();
  write_frame(Opcode::close, close_payload(close_normal));
  end_deadline_.once(timeout, [this, timeout] {
    finish({"closed, and no answer to the close frame within " + std::to_string(timeout.count()) + " ms"});
  });
}

void WebSocketChannel::close() {
  heartbeat_.stop();
  end_deadline_.stop();
  unread_ = {};
  ping_.reset();
  ++connection_;
  if (stream_) send_close(close_normal);
  ending_ = false;
  suspended_ = false;
  static_cast<void>(take_probe());
}

// Sends a close frame unless one was sent. The peer closes the connection when it has read it.
void WebSocketChannel::send_close(uint16_t code) {
  if (!ending_) write_frame(Opcode::close, code == close_no_code ? "" : close_payload(code));
  gone_.add(std::exchange(closing_, std::move(stream_)));
  closing_->leave([this] {
    closing_deadline_.stop();
    gone_.add(std::move(closing_));
  });
  closing_deadline_.once(closing_timeout, [this] { gone_.add(std::move(closing_)); });
}

// The callback may open the next connection, so it is called last, with copies of its arguments.
void WebSocketChannel::finish(End end) {
  const auto handlers = handlers_;
  const auto probed = take_probe();
  close();
  if (handlers->closed) handlers->closed(end);
  if (probed) probed(false);
}

void WebSocketChannel::lose(const std::string& reason) {
  gone_.add(std::move(stream_));   // the peer gets no close frame
  if (suspended_) return close();  // its end was reported before
  finish({"the event stream broke off (" + reason + ")"});
}

void WebSocketChannel::heard() {
  last_byte_ = loop_.now();
  asked_.reset();
}

// Any byte proves that the peer is alive, not only a pong. Silence alone proves nothing: this process may
// have been stopped and have sent no ping. An unanswered ping proves that the peer is dead, unless this
// process was stopped after sending it: then its input has to be read first.
void WebSocketChannel::beat() {
  if (!is_open() || ending_) return;
  const Milliseconds now = loop_.now();
  if (asked_ && now - beat_due_ > options_.ping_interval) asked_ = now;
  const Milliseconds ping_at = (asked_ ? asked_last_ : last_byte_) + options_.ping_interval;
  const Milliseconds dead_at = asked_ ? *asked_ + options_.silence_timeout - options_.ping_interval : ping_at;
  if (asked_ && now >= dead_at) {
    const std::string reason =
        "the event stream was dead, without a byte for " + std::to_string((now - last_byte_).count()) + " ms";
    return options_.role == WebSocketRole::server ? suspend(reason) : finish({reason});
  }
  if (now >= ping_at) {
    if (!asked_) asked_ = now;
    asked_last_ = now;
    write_frame(Opcode::ping, {});
    return beat();
  }
  beat_due_ = asked_ ? std::min(ping_at, dead_at) : ping_at;
  heartbeat_.once(beat_due_ - now, [this] { beat(); });
}

// A server can't reconnect, so it keeps a dead connection: a peer that was only stopped continues on it
// later, without a loss. Closing it harms Asterisk 22.10: its failing write closes the descriptor under its
// reading thread, which then waits forever on whatever gets that number next; a close frame may crash it.
void WebSocketChannel::suspend(const std::string& reason) {
  suspended_ = true;
  const auto handlers = handlers_;
  const auto probed = take_probe();
  if (handlers->closed) handlers->closed({reason});
  if (probed) probed(false);
}

// Returns false when the current connection has ended.
bool WebSocketChannel::resume() {
  suspended_ = false;
  beat();
  const uint64_t connection = connection_;
  const auto handlers = handlers_;
  if (handlers->resumed) handlers->resumed();
  return connection == connection_;
}

void WebSocketChannel::on_readable() {
  if (!unread_.empty()) return;  // the rest of the last input comes first
  const uint64_t began = uv_hrtime();
  const auto handlers = handlers_;
  do {
    if (!receive() || !take_messages(began)) return;
  } while (stream_->has_more() && !is_over(began));
}

// The rest of a long burst is handled after the other events of this turn of the loop.
void WebSocketChannel::take_rest() {
  const auto handlers = handlers_;
  answer_ping();
  if (is_open() && take_messages(uv_hrtime()) && stream_->has_more()) on_readable();
}

// Returns false when there is no message yet, or the current connection has ended.
bool WebSocketChannel::receive() {
  const Result<size_t> count = stream_->read(buffer_.get(), buffer_bytes);
  if (!count) {
    lose(count.error().message);
    return false;
  }
  if (*count == 0) return false;
  unread_ = {buffer_.get(), *count};
  heard();
  return !suspended_ || resume();
}

// Returns false when this turn's time is used up, or the current connection has ended.
bool WebSocketChannel::take_messages(uint64_t began_ns) {
  const uint64_t connection = connection_;
  size_t bytes = 0;
  for (unsigned count = 1;; ++count) {
    const auto received = reader_.next(unread_);
    if (!received && unread_.empty()) return true;
    if (received) {
      bytes += received->payload.size();
      handle(*received);
      if (connection != connection_) return false;
      if (count % clock_interval != 0 && bytes < clock_bytes) continue;
      bytes = 0;
    }
    if (is_over(began_ns)) return false;
  }
}

// Returns true when this turn's time is used up: the rest is handled in the next one.
bool WebSocketChannel::is_over(uint64_t began_ns) {
  if (uv_hrtime() - began_ns < messages_limit_ns) return false;
  rest_.request();
  return true;
}

void WebSocketChannel::handle(const Received& received) {
  switch (received.kind) {
    case Received::Kind::text:
    case Received::Kind::binary:  // delivered like text: the user of the channel decides
      handlers_->text(received.payload, received.total_bytes);
      return;
    case Received::Kind::ping:
      ping_ = received.payload;
      return rest_.request();
    case Received::Kind::pong:
      if (received.payload == probe_payload) answer_probe(true);
      return;
    case Received::Kind::close:
      return on_peer_close(received);
    case Received::Kind::violation:
      send_close(received.code);
      return finish({"Asterisk breaks the WebSocket protocol: " + std::string(received.payload)});
  }
}

// Answers the last ping of the turn, which is an answer to all of them (RFC 6455, 5.5.3).
void WebSocketChannel::answer_ping() {
  const auto ping = std::exchange(ping_, std::nullopt);
  if (ping && is_open() && !ending_ && stream_->unsent_bytes() < max_unsent_pong_bytes)
    write_frame(Opcode::pong, *ping);
}

void WebSocketChannel::on_peer_close(const Received& received) {
  std::string reason = ending_ ? "closed" : "Asterisk closed the event stream";
  if (!ending_ && received.code != close_no_code) reason += " with code " + std::to_string(received.code);
  if (!received.payload.empty())
    reason += ", saying '" + to_valid_utf8(received.payload, max_control_payload_bytes) + "'";
  send_close(received.code);
  finish({reason, true});
}

}  // namespace aribus
