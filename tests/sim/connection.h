// One TCP connection: HTTP at first, WebSocket after an upgrade.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <uv.h>

#include "http.h"
#include "net/websocket_frame.h"

namespace aribus::sim {

class Connection;

// Whom a connection tells what happens on it.
class ConnectionListener {
 public:
  virtual ~ConnectionListener() = default;
  // A request came. The next one is only taken after Connection::reply() or upgrade().
  virtual void on_request(Connection& connection, const HttpRequest& request) = 0;
  virtual void on_bad_request(Connection& connection, const std::string& error) = 0;
  // A whole text message came.
  virtual void on_text(Connection& connection, const std::string& text) = 0;
  // Everything that was to be written has gone to the kernel.
  virtual void on_drained(Connection& connection) = 0;
  // The last call: the connection is gone.
  virtual void on_closed(Connection& connection) = 0;
};

// Deletes itself after on_closed(). Belongs to the loop's thread.
class Connection {
 public:
  // Takes the next connection of `server`.
  static Connection* accept(uv_stream_t* server, uint64_t id, ConnectionListener& listener);

  [[nodiscard]] uint64_t id() const { return id_; }
  [[nodiscard]] bool is_websocket() const { return websocket_; }
  [[nodiscard]] size_t pending_bytes() const { return out_.size() + in_flight_.size(); }

  // Answers the request at hand.
  void reply(const std::string& bytes, bool close_after);
  // Answers it with `bytes` and speaks WebSocket from then on.
  void upgrade(const std::string& bytes);
  // Queues bytes as they are; flush() writes them.
  void send(std::string_view bytes) {
    if (!silent_) out_.append(bytes);
  }
  void flush();

  void close();                // both ways, at once
  void close_with_reset();     // RST
  void close_after_writing();  // FIN once all is written
  // Sends a close frame, and closes when the client answers it or after a second.
  void close_with_frame(uint16_t code, const std::string& reason);
  // From now on nothing is answered and nothing is sent, but the connection stays.
  void fall_silent() { silent_ = true; }

 private:
  Connection(uint64_t id, ConnectionListener& listener) : id_(id), listener_(listener) {}

  void on_bytes(std::string_view bytes);
  void take_requests();
  void take_frames(std::string_view bytes);
  void answer_close(uint16_t code);
  void write_done(int status);
  void wait_idle(uint64_t ms);
  void finish();

  uint64_t id_;
  ConnectionListener& listener_;
  uv_tcp_t tcp_{};
  uv_timer_t idle_{};
  uv_write_t write_{};
  uv_shutdown_t shutdown_{};
  std::string in_;                                      // bytes that came and have not been taken
  std::string out_;                                     // bytes to be written
  std::string in_flight_;                               // bytes in libuv's hands
  FrameReader reader_{{WebSocketRole::server, false}};  // Asterisk does not look at UTF-8
  int handles_ = 2;                                     // that are still open
  bool websocket_ = false;
  bool busy_ = false;  // a request is being answered
  bool silent_ = false;
  bool closing_ = false;
  bool close_after_ = false;
  bool close_sent_ = false;
};

}  // namespace aribus::sim
