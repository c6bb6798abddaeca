// The listener and its connections: authorises, upgrades, applies faults, hands requests on.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <uv.h>

#include "asterisk.h"
#include "connection.h"
#include "fault.h"
#include "options.h"
#include "params.h"
#include "replay.h"
#include "timers.h"

namespace aribus::sim {

// A REST request that came, as GET /sim/log tells it.
struct Logged {
  std::string method, target, body;
};

// Owns everything but the loop, which must outlive it. After close() the loop has to run until nothing is
// left.
class Server : public ConnectionListener {
 public:
  Server(uv_loop_t* loop, const Options& options);

  // The port that it listens on, or a negative libuv error.
  [[nodiscard]] int listen();
  [[nodiscard]] bool load_replay() { return replay_.load(options_); }
  void close();

  // The WebSockets, all or those of one application; in the order in which they came.
  [[nodiscard]] std::vector<Connection*> websockets(const std::string& app) const;

  Asterisk& asterisk() { return asterisk_; }
  Faults& faults() { return faults_; }
  std::vector<Logged>& log() { return log_; }

 private:
  void on_request(Connection& connection, const HttpRequest& request) override;
  void on_bad_request(Connection& connection, const std::string& error) override;
  void on_text(Connection& connection, const std::string& text) override;
  void on_drained(Connection& connection) override;
  void on_closed(Connection& connection) override;

  void handle(Connection& connection, const HttpRequest& request, const Fault& fault);
  void reply(Connection& connection, const HttpRequest& request, HttpReply reply);
  void serve_over_websocket(Connection& connection, const HttpRequest& request, const Fault& fault,
                            const Params& message);
  void respond(Connection& connection, const Params& message, const HttpReply& reply);
  [[nodiscard]] bool is_authorised(const HttpRequest& request) const;
  void upgrade(Connection& connection, const HttpRequest& request);
  void flush_all();

  uv_loop_t* loop_;
  Options options_;
  Timers timers_;
  Asterisk asterisk_;
  Faults faults_;
  Replay replay_;
  std::vector<Logged> log_;
  std::map<uint64_t, Connection*> connections_;
  uint64_t last_id_ = 0;
  uv_tcp_t listener_{};
  uv_prepare_t flusher_{};  // writes what a turn of the loop queued, in one go
};

// Answers a request below /sim (control.cpp).
[[nodiscard]] HttpReply control(Server& server, const HttpRequest& request);

}  // namespace aribus::sim
