#include "frontend/web/websocket_transport.h"

#include <algorithm>
#include <array>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

#include "net/socket_io.h"

namespace aribus::frontend {
namespace {

constexpr size_t max_parts = 512;  // of one call of write(): two of the 1,024 pieces that sendmsg(2) takes

FrameReaderOptions reader_options() {
  FrameReaderOptions options;
  options.role = WebSocketRole::server;
  options.in_pieces = true;
  return options;
}

std::optional<size_t> send(const Fd& socket, std::string_view bytes) {
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  return send_now(socket, {&piece, 1});
}

std::string frame(Opcode opcode, std::string_view payload) {
  std::string bytes;
  append_frame(bytes, opcode, payload, std::nullopt);
  return bytes;
}

std::string goodbye(session::Transport::Ending ending) {
  using Ending = session::Transport::Ending;
  switch (ending) {
    case Ending::refused:
      return close_payload(close_policy, "refused: the last message says why");
    case Ending::too_slow:
      return close_payload(close_try_later, "records were lost");
    case Ending::stopping:
      return close_payload(close_going_away, "aribusd stops");
    case Ending::finished:
      break;
  }
  return close_payload(close_normal);
}

}  // namespace

// A frame to be written, or what is left of one.
struct WebSocketTransport::Part {
  FrameHead head;  // empty: it was written before
  std::string_view payload;
  bool begins_message = false;
  bool ends_line = false;  // "\n" follows the payload in the line, and nothing on the wire
  Progress written{};      // as it is when the head and nothing of the payload is written
};

WebSocketTransport::WebSocketTransport(Loop& loop, Fd socket)
    : socket_(std::move(socket)), poll_(loop, socket_.get()), reader_(reader_options()) {}

void WebSocketTransport::start(std::function<void(bool, bool)> ready) {
  on_ready_ = std::move(ready);
  poll_.watch(0, [this](int events) { on_ready(events); });
}

void WebSocketTransport::watch(bool input, bool output) {
  watches_input_ = input;
  watches_output_ = output;
  watch_socket();
}

// What is kept must go out even if the session has nothing to write.
void WebSocketTransport::watch_socket() {
  poll_.watch((watches_input_ ? UV_READABLE : 0) | (watches_output_ || !kept_.empty() ? UV_WRITABLE : 0));
}

void WebSocketTransport::on_ready(int events) {
  const bool output = (events & UV_WRITABLE) != 0;
  if (output) {
    if (!write_kept()) finish();
    watch_socket();
  }
  on_ready_((events & UV_READABLE) != 0 && watches_input_, output && watches_output_);
}

session::Transport::Input WebSocketTransport::read(std::string& bytes) {
  // One buffer for all connections: it holds nothing between two calls.
  static std::array<char, 64 * 1024> buffer;
  if (over_) return Input::closed;
  const ssize_t count = receive_now(socket_, buffer);
  if (count == 0) return Input::end;
  if (count < 0) return would_block() ? Input::nothing : Input::closed;
  has_more_ = static_cast<size_t>(count) == buffer.size();
  bytes.clear();
  std::string_view rest(buffer.data(), static_cast<size_t>(count));
  while (!rest.empty() && !over_) {
    if (const auto received = reader_.next(rest)) take(*received, bytes);
  }
  static_cast<void>(reader_.next(rest));  // it drops what it has returned
  if (!over_ && !write_kept()) finish();
  if (!kept_.empty()) watch_socket();
  return Input::bytes;
}

void WebSocketTransport::take(const Received& received, std::string& bytes) {
  using Kind = Received::Kind;
  switch (received.kind) {
    case Kind::text: {
      const size_t at = bytes.size();
      bytes += received.payload;
      std::replace(bytes.begin() + static_cast<ptrdiff_t>(at), bytes.end(), '\n', '\t');
      if (received.final) bytes += '\n';
      return;
    }
    case Kind::binary:
      return end(close_payload(close_not_accepted, "a message is text"));
    case Kind::ping:
      pong_ = received.payload;
      return;
    case Kind::pong:
      return;
    case Kind::close:
      return end(received.code == close_no_code ? std::string() : close_payload(received.code));
    case Kind::violation:
      return end(close_payload(received.code, received.payload));
  }
}

// Writes what is kept, and a pong between two frames, as far as the socket takes it. Returns false when the
// connection is broken.
bool WebSocketTransport::write_kept() {
  for (;;) {
    if (kept_.empty() && pong_ && progress_.frame_left == 0) {
      kept_ = frame(Opcode::pong, *std::exchange(pong_, std::nullopt));
    }
    if (kept_.empty()) return true;
    const std::optional<size_t> count = send(socket_, kept_);
    if (!count) return false;
    kept_.erase(0, *count);
    if (*count == 0) return true;
  }
}

// Cuts `text`, which continues what `at` says, into parts.
void WebSocketTransport::cut(std::string_view text, Progress& at, std::span<Part> parts, size_t& count) {
  while (!text.empty() && count < parts.size()) {
    Part& part = parts[count++];
    part = {};
    if (at.frame_left == 0 && !at.is_last_frame) {
      const size_t end = text.find('\n');
      const size_t payload_bytes = std::min(end, text.size());
      at.is_last_frame = end != std::string_view::npos;
      at.frame_left = payload_bytes;
      part.begins_message = !at.in_message && payload_bytes > 0;
      if (part.begins_message || at.in_message) {  // an empty line is no message
        part.head =
            frame_head(at.in_message ? Opcode::continuation : Opcode::text, payload_bytes, at.is_last_frame);
        at.in_message = true;
      }
    }
    part.written = at;
    part.payload = text.substr(0, at.frame_left);
    text.remove_prefix(part.payload.size());
    at.frame_left -= part.payload.size();
    if (at.frame_left == 0 && at.is_last_frame && !text.empty()) {
      part.ends_line = true;
      text.remove_prefix(1);
      at = {};
    }
  }
}

std::optional<size_t> WebSocketTransport::write(std::span<iovec> pieces) {
  // For all connections: they hold nothing between two calls.
  static std::array<Part, max_parts> all_parts;
  static std::array<iovec, 2 * max_parts> wire;
  if (over_ || !write_kept()) return std::nullopt;
  if (!kept_.empty()) return 0;
  // A pong that waits for the end of this frame does not wait for that of the next one.
  const std::span<Part> room = std::span(all_parts).first(pong_ ? 1 : max_parts);
  size_t count = 0;
  Progress progress = progress_;
  for (const iovec& piece : pieces) {
    cut({static_cast<const char*>(piece.iov_base), piece.iov_len}, progress, room, count);
  }
  const std::span<Part> parts = room.first(count);
  size_t wire_count = 0;
  for (Part& part : parts) {
    if (part.head.size > 0) wire[wire_count++] = {part.head.bytes.data(), part.head.size};
    if (!part.payload.empty()) {
      wire[wire_count++] = {const_cast<char*>(part.payload.data()), part.payload.size()};
    }
  }
  const std::optional<size_t> sent =
      wire_count == 0 ? 0 : send_now(socket_, std::span(wire).first(wire_count));
  if (!sent) return std::nullopt;
  const size_t taken = advance(parts, *sent);
  if (!write_kept()) return std::nullopt;
  if (!kept_.empty()) watch_socket();
  return taken;
}

// `sent` bytes of the parts were written. Returns how many bytes of the lines are taken by that.
size_t WebSocketTransport::advance(std::span<const Part> parts, size_t sent) {
  size_t taken = 0;
  for (const Part& part : parts) {
    const size_t head = std::min(sent, part.head.size);
    size_t payload = std::min(sent - head, part.payload.size());
    const bool complete = head == part.head.size && payload == part.payload.size();
    if (!complete && head + payload == 0) break;
    sent -= head + payload;
    kept_.assign(part.head.bytes.data() + head, part.head.size - head);
    // The session may forget a line of which nothing was taken, but the peer knows of this one.
    if (part.begins_message && payload == 0) kept_ += part.payload[payload++];
    progress_ = part.written;
    progress_.frame_left -= payload;
    taken += payload;
    if (!complete) break;
    if (part.ends_line) {
      ++taken;
      progress_ = {};
    }
  }
  return taken;
}

bool WebSocketTransport::is_hung_up() const {
  pollfd state{socket_.get(), 0, 0};
  return over_ || (::poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0);
}

void WebSocketTransport::close(Ending ending) {
  if (!over_) end(goodbye(ending));
  poll_.watch(0);
}

// Sends a close frame if the socket takes one; not in the middle of another frame.
void WebSocketTransport::end(std::string_view payload) {
  if (progress_.frame_left == 0) static_cast<void>(send(socket_, kept_ + frame(Opcode::close, payload)));
  finish();
}

// The socket has input from now on, its end: a session that watches for it looks.
void WebSocketTransport::finish() {
  over_ = true;
  kept_.clear();
  pong_.reset();
  ::shutdown(socket_.get(), SHUT_RD);
}

}  // namespace aribus::frontend
