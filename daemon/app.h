// The daemon: everything wired together on one loop.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/loop.h"
#include "bus/log.h"
#include "control/dispatcher.h"
#include "daemon/config.h"
#include "ipc/server.h"
#include "record/event_reader.h"
#include "state/sync.h"

namespace aribus::daemon {

class App {
 public:
  // Errors: what can't be set up, with its cause.
  [[nodiscard]] static Result<std::unique_ptr<App>> make(Config config);

  // Listens, connects to the Asterisks and serves until SIGTERM or SIGINT; then drains. Returns when all is
  // done. Errors: system or invalid_params when it can't listen.
  [[nodiscard]] Result<void> run();

 private:
  // One Asterisk and what is known of its connection.
  struct Upstream {
    std::string name;
    std::unique_ptr<ari::Client> client;
    std::unique_ptr<state::Sync> sync;
    std::string reason;          // why it is not connected
    std::set<std::string> told;  // reasons that were logged since it was connected
    WallTime since;              // of the present connection, or of its absence
    bool tried = false;          // to connect, whether or not it came about
    uint64_t received = 0;       // messages of the event stream
    std::string_view state = "connecting";
    std::optional<WallTime> heard_until;  // since then something may have been missed
    std::string missed_because;
    std::string ended_at;  // Asterisk's startup_time, when an earlier process has read its events to the end
  };

  App(Config config, bus::Log log);
  Result<void> add_upstream(const AsteriskConfig& config);
  void on_connected(Upstream& upstream, const ari::ServerInfo& info);
  void on_disconnected(Upstream& upstream, const std::string& reason, Milliseconds retry_in);
  void miss(Upstream& upstream, const std::string& reason);
  void on_message(Upstream& upstream, std::string_view text, size_t total_bytes);
  void on_replaced(Upstream& upstream, const std::string& app);
  void on_silent(Upstream& upstream, const std::string& app);
  void on_heard(Upstream& upstream, const std::string& app);
  void publish(const record::Record& record);
  void publish_own(const Upstream& upstream, std::string_view type, const std::string& fields);
  [[nodiscard]] std::string hello(const control::Caller& caller) const;
  [[nodiscard]] std::string status() const;
  void on_tried(Upstream& upstream);
  void become_ready();
  void tell_systemd() const;
  void tell_of_log() const;
  void stop();
  void leave();
  void close_events();
  void tell_end(const Upstream& upstream);
  void recall();

  Config config_;
  Loop loop_;
  bus::Log log_;
  control::Dispatcher dispatcher_;
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  ipc::Server server_;
  TurnMeter meter_;
  Timer watchdog_;
  Timer ready_deadline_;
  Timer leave_deadline_;
  WallTime started_;
  record::EventReader events_;
  record::Record received_;  // the latest, for its memory
  bool ready_ = false;       // systemd has been told so
  bool stopping_ = false;
  bool closing_ = false;  // the event streams
};

}  // namespace aribus::daemon
