// The daemon: everything wired together on one loop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bus/record_log.h"
#include "config/aribusd/config.h"
#include "control/dispatcher.h"
#include "control/method_table.h"
#include "daemon/metrics.h"
#include "daemon/reload.h"
#include "daemon/systemd.h"
#include "frontend/unix/server.h"
#include "frontend/web/server.h"
#include "net/background.h"
#include "net/loop.h"
#include "net/turn_meter.h"
#include "pbx/assignments.h"
#include "pbx/server.h"
#include "service/http_listener.h"
#include "session/results.h"
#include "session/sessions.h"

namespace aribus::daemon {

class App {
 public:
  // Errors: what can't be set up, with its cause.
  [[nodiscard]] static Result<std::unique_ptr<App>> make(config::Config config);

  // Listens, connects to the Asterisks and serves until SIGTERM or SIGINT; then drains. SIGHUP reloads the
  // configuration. Returns when all is done. Errors: system or invalid_params when it can't listen.
  [[nodiscard]] Result<void> run();
  // See Loop::is_working().
  [[nodiscard]] bool is_working() const { return loop_.is_working(); }

 private:
  App(config::Config config, bus::RecordLog log);
  [[nodiscard]] pbx::Assignments::Handlers assignment_handlers();
  void add_asterisk(const config::AsteriskConfig& config);
  [[nodiscard]] session::Hello hello(const control::Caller& caller) const;
  [[nodiscard]] session::Status status() const;
  [[nodiscard]] MetricSources metric_sources() const;
  [[nodiscard]] Result<void> listen();
  void log_stream() const;
  void stop();
  void leave();
  void recall();
  void reload(pbx::Reply reply);
  void load();
  [[nodiscard]] Result<void> listen_as(const config::Config& next);
  [[nodiscard]] Reload apply(config::Config next);
  [[nodiscard]] std::vector<std::string> apply_asterisk(const std::vector<config::AsteriskConfig>& next);
  void add_missing();
  void remove_gone();

  config::Config config_;
  Loop loop_;
  bus::RecordLog log_;
  control::MethodTable methods_;
  pbx::Assignments assignments_;
  control::Dispatcher dispatcher_{methods_, &assignments_};
  std::vector<std::unique_ptr<pbx::Server>> asterisks_;  // in the configuration's order
  std::vector<std::unique_ptr<pbx::Server>> leaving_;    // that it no longer names
  session::Sessions sessions_;
  frontend::UnixServer sockets_;
  frontend::WebServer web_;
  TurnMeter meter_;
  service::HttpListener monitoring_;
  Systemd systemd_;
  Timer sweep_;  // of leaving_
  WallTime started_;
  Background loading_;                      // of the configuration
  std::vector<pbx::Reply> waiting_reload_;  // who asked for it since that began
  bool stopping_ = false;
};

}  // namespace aribus::daemon
