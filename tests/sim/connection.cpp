#include "connection.h"

#include <utility>

#include "frame.h"

namespace aribus::sim {
namespace {

// Asterisk's session_inactivity and session_keep_alive.
constexpr uint64_t first_request_ms = 30000;
constexpr uint64_t keep_alive_ms = 15000;
constexpr uint64_t closing_ms = 1000;

Connection* self(const void* data) {
  return static_cast<Connection*>(const_cast<void*>(data));
}

}  // namespace

Connection* Connection::accept(uv_stream_t* server, uint64_t id, ConnectionListener& listener) {
  auto* made = new Connection(id, listener);
  uv_tcp_init(server->loop, &made->tcp_);
  uv_timer_init(server->loop, &made->idle_);
  made->tcp_.data = made->idle_.data = made;
  if (uv_accept(server, reinterpret_cast<uv_stream_t*>(&made->tcp_)) != 0) {
    made->close();
    return made;
  }
  uv_tcp_nodelay(&made->tcp_, 1);
  uv_read_start(
      reinterpret_cast<uv_stream_t*>(&made->tcp_),
      [](uv_handle_t*, size_t, uv_buf_t* buffer) {
        static char shared[65536];  // one thread, and each read is used up in its callback
        *buffer = uv_buf_init(shared, sizeof shared);
      },
      [](uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
        auto* connection = self(stream->data);
        if (size < 0) return connection->close();
        connection->on_bytes({buffer->base, static_cast<size_t>(size)});
      });
  made->wait_idle(first_request_ms);
  return made;
}

void Connection::wait_idle(uint64_t ms) {
  if (closing_) return;
  uv_timer_start(
      &idle_, [](uv_timer_t* timer) { self(timer->data)->close(); }, ms, 0);
}

void Connection::on_bytes(std::string_view bytes) {
  if (silent_ || closing_) return;
  if (websocket_) return take_frames(bytes);
  in_.append(bytes);
  take_requests();
}

void Connection::take_requests() {
  while (!busy_ && !closing_ && !close_after_ && !in_.empty()) {
    HttpRequest request;
    std::string error;
    const auto taken = take_request(in_, request, error);
    if (taken == Taken::incomplete) return;
    uv_timer_stop(&idle_);
    busy_ = true;
    if (taken == Taken::bad) return listener_.on_bad_request(*this, error);
    listener_.on_request(*this, request);
  }
}

void Connection::reply(const std::string& bytes, bool close_after) {
  busy_ = false;
  send(bytes);
  if (close_after) return close_after_writing();
  wait_idle(keep_alive_ms);
  flush();
  take_requests();
}

void Connection::upgrade(const std::string& bytes) {
  busy_ = false;
  websocket_ = true;
  uv_timer_stop(&idle_);
  send(bytes);
  flush();
  take_frames(std::exchange(in_, {}));
}

void Connection::take_frames(std::string_view bytes) {
  using Kind = Received::Kind;
  while (!closing_) {
    const auto received = reader_.next(bytes);
    if (!received) return;
    switch (received->kind) {
      case Kind::text:
      case Kind::binary:
        listener_.on_text(*this, std::string(received->payload));
        break;
      case Kind::ping:
        send(frame(Opcode::pong, received->payload));
        break;
      case Kind::pong:
        break;
      case Kind::close:
      case Kind::violation:
        return answer_close(received->code);
    }
  }
}

void Connection::answer_close(uint16_t code) {
  const bool has_code = code != close_no_code;
  if (!close_sent_) send(frame(Opcode::close, has_code ? close_payload(code) : ""));
  close_after_writing();
}

void Connection::flush() {
  if (closing_ || !in_flight_.empty()) return;
  auto* stream = reinterpret_cast<uv_stream_t*>(&tcp_);
  if (out_.empty()) {
    if (!close_after_) return;
    close_after_ = false;
    uv_shutdown(&shutdown_, stream, [](uv_shutdown_t*, int) {});
    shutdown_.data = this;
    return wait_idle(closing_ms);
  }
  in_flight_.swap(out_);
  uv_buf_t buffer = uv_buf_init(in_flight_.data(), static_cast<unsigned>(in_flight_.size()));
  write_.data = this;
  const int queued = uv_write(&write_, stream, &buffer, 1,
                              [](uv_write_t* write, int status) { self(write->data)->write_done(status); });
  if (queued != 0) close();
}

void Connection::write_done(int status) {
  in_flight_.clear();
  if (closing_) return;
  if (status != 0) return close();
  flush();
  if (!closing_ && pending_bytes() == 0) listener_.on_drained(*this);
}

void Connection::close_after_writing() {
  if (closing_) return;
  close_after_ = true;
  flush();
}

void Connection::close_with_frame(uint16_t code, const std::string& reason) {
  send(frame(Opcode::close, close_payload(code, reason)));
  close_sent_ = true;
  flush();
  wait_idle(closing_ms);
}

void Connection::close() {
  if (closing_) return;
  closing_ = true;
  const auto closed = [](uv_handle_t* handle) { self(handle->data)->finish(); };
  uv_close(reinterpret_cast<uv_handle_t*>(&tcp_), closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&idle_), closed);
}

void Connection::close_with_reset() {
  if (closing_) return;
  closing_ = true;
  const auto closed = [](uv_handle_t* handle) { self(handle->data)->finish(); };
  if (uv_tcp_close_reset(&tcp_, closed) != 0) uv_close(reinterpret_cast<uv_handle_t*>(&tcp_), closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&idle_), closed);
}

void Connection::finish() {
  if (--handles_ > 0) return;
  listener_.on_closed(*this);
  delete this;
}

}  // namespace aribus::sim
