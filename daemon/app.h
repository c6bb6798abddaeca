// The daemon: everything wired together on one loop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bus/record_log.h"
#include "config/aribusd/config.h"
#include "control/dispatcher.h"
#include "daemon/metrics.h"
#include "daemon/reload.h"
#include "daemon/upstream.h"
#include "frontend/unix/server.h"
#include "net/background.h"
#include "net/loop.h"
#include "service/http_listener.h"
#include "session/results.h"

namespace aribus::daemon {

class App {
 public:
  // Errors: what can't be set up, with its cause.
  [[nodiscard]] static Result<std::unique_ptr<App>> make(config::Config config);

  // Listens, connects to the Asterisks and serves until SIGTERM or SIGINT; then drains. SIGHUP has the
  // configuration read anew. Returns when all is done. Errors: system or invalid_params when it can't listen.
  [[nodiscard]] Result<void> run();

 private:
  App(config::Config config, bus::RecordLog log);
  void add_upstream(const config::AsteriskConfig& config);
  void publish(const record::Record& record);
  [[nodiscard]] session::Hello hello(const control::Caller& caller) const;
  [[nodiscard]] session::Status status() const;
  [[nodiscard]] MetricSources metric_sources() const;
  [[nodiscard]] service::HttpListener::Answer answer_monitoring(std::string_view path) const;
  [[nodiscard]] std::string not_ready() const;
  void on_upstream_changed();
  void become_ready();
  void tell_systemd() const;
  void tell_of_log() const;
  void stop();
  void leave();
  void recall();
  void reload(pbx::Reply reply);
  void load();
  [[nodiscard]] Reload apply(config::Config next);
  [[nodiscard]] std::vector<std::string> apply_asterisk(const std::vector<config::AsteriskConfig>& next);
  void add_missing();
  void remove_gone();

  config::Config config_;
  Loop loop_;
  bus::RecordLog log_;
  control::Dispatcher dispatcher_;
  std::vector<std::unique_ptr<Upstream>> upstreams_;  // in the configuration's order
  std::vector<std::unique_ptr<Upstream>> leaving_;    // that it names no more
  frontend::Server server_;
  TurnMeter meter_;
  service::HttpListener monitoring_;
  Timer watchdog_;
  Timer ready_deadline_;
  Timer sweep_;  // of leaving_
  WallTime started_;
  Background loading_;                      // of the configuration
  std::vector<pbx::Reply> waiting_reload_;  // who asked for it since that began
  bool ready_ = false;                      // systemd has been told so
  bool stopping_ = false;
};

}  // namespace aribus::daemon
