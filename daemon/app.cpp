#include "daemon/app.h"

#include <algorithm>
#include <csignal>

#include <unistd.h>

#include "base/log.h"
#include "control/audit.h"
#include "control/methods/group_fallback.h"
#include "control/methods/live_snapshot.h"
#include "daemon/activation.h"
#include "daemon/monitoring.h"
#include "json/json_builder.h"
#include "protocol/rpc.h"
#include "record/record_text.h"
#include "service/process_stats.h"
#include "session/all_methods.h"

namespace aribus::daemon {
namespace {

constexpr Milliseconds removal_interval{50};

// Grows when programs have to do something else than before.
constexpr int protocol = 1;
// What came later than the protocol's number: docs/protocol.md, "hello".
constexpr std::string_view features[] = {"announce", "line", "from", "groups"};

}  // namespace

Result<std::unique_ptr<App>> App::make(config::Config config) {
  Result<bus::RecordLog> log = bus::RecordLog::make(config.bus, {rpc::event_head, rpc::event_tail});
  if (!log) return log.error();
  return std::unique_ptr<App>(new App(std::move(config), std::move(*log)));
}

App::App(config::Config config, bus::RecordLog log)
    : config_(std::move(config)),
      log_(std::move(log)),
      assignments_(loop_, assignment_handlers()),
      sessions_(loop_, log_, dispatcher_, config_.sessions),
      sockets_(loop_, sessions_, config_.sockets),
      web_(loop_, sessions_, config_.web),
      meter_(loop_),
      monitoring_(
          loop_,
          [this](std::string_view path) { return answer_monitoring(path, metric_sources(), stopping_); }),
      systemd_(loop_, asterisks_),
      sweep_(loop_),
      started_(wall_now()) {
  session::add_all_methods(
      methods_, {.reload = [this](pbx::Reply reply) { reload(std::move(reply)); },
                 .hello = [this](const control::Caller& caller) { return hello(caller); },
                 .status = [this] { return status(); },
                 .clients = [this] { return sessions_.clients(); },
                 .groups = [this]() -> const groups::Groups& { return assignments_.groups(); },
                 .live_objects =
                     [this](record::IdKind kind, const JsonValue& params, const control::Caller& caller) {
                       return control::live_objects(dispatcher_, log_.cursor().text(), kind, params,
                                                    *caller.principal.rule);
                     },
                 .session = [this](uint64_t connection) { return sessions_.find(connection); }});
  for (const config::AsteriskConfig& asterisk : config_.asterisk) add_asterisk(asterisk);
  assignments_.configure(config_.groups);
}

pbx::Assignments::Handlers App::assignment_handlers() {
  return {.next_seq = [this] { return log_.next(); },
          .first_seq = [this] { return log_.first(); },
          .fall_back =
              [this](pbx::Server& server, const groups::Settings& settings, const std::string& call,
                     std::function<void()> failed) {
                control::run_fallback(dispatcher_, server, settings, call, std::move(failed));
              },
          .displaced =
              [this](uint64_t connection, const std::string& group, const std::string& member) {
                session::Session* session = sessions_.find(connection);
                if (session == nullptr) return;
                session->close_with_error({ErrorKind::not_owner,
                                           "another connection is the member '" + member + "' of the group '" +
                                               group + "' now; this one is closed",
                                           ObjectBuilder()
                                               .text("group", group)
                                               .text("owner", member)
                                               .integer("epoch", 0)
                                               .str()});
              },
          .left =
              [this](uint64_t connection) {
                if (session::Session* session = sessions_.find(connection)) session->on_left_group();
              }};
}

void App::add_asterisk(const config::AsteriskConfig& config) {
  asterisks_.push_back(std::make_unique<pbx::Server>(
      loop_, config,
      pbx::Server::Handlers{.append = [this](const record::Record& record) { return log_.append(record); },
                            .next_seq = [this] { return log_.next(); },
                            .changed = [this] { systemd_.update(); }}));
  dispatcher_.add_server(*asterisks_.back());
}

session::Hello App::hello(const control::Caller& caller) const {
  session::Hello hello;
  hello.aribus = ARIBUS_VERSION;
  hello.protocol = protocol;
  hello.features.assign(std::begin(features), std::end(features));
  hello.limits.request_bytes = config_.sessions.limits.max_line_bytes;
  hello.started = started_;
  hello.cursor = log_.cursor().text();
  for (const auto& asterisk : asterisks_) hello.servers.push_back(asterisk->name());
  if (!caller.principal.name.empty()) hello.peer.user = caller.principal.name;
  hello.peer.uid = caller.peer.uid;
  hello.peer.gid = caller.peer.gid;
  hello.peer.groups.assign(caller.peer.groups.begin(), caller.peer.groups.end());
  hello.peer.pid = caller.peer.pid;
  hello.peer.socket = caller.peer.socket;
  hello.rule = caller.principal.rule->name;
  return hello;
}

session::Status App::status() const {
  const std::vector<uint64_t> behind = sessions_.behind();
  const service::ProcessStats& process = service::ProcessStats::lately();
  session::Status status;
  status.aribus = ARIBUS_VERSION;
  status.pid = ::getpid();
  status.started = started_;
  status.configuration = {.file = config_.file, .read = config_.read};
  for (const auto* asterisks : {&asterisks_, &leaving_}) {
    for (const auto& asterisk : *asterisks) status.servers.push_back(asterisk->status());
  }
  status.bus.stream = log_.stream();
  status.bus.first = log_.first();
  status.bus.next = log_.next();
  status.bus.ring_bytes = log_.ring_bytes();
  status.bus.used_bytes = log_.used_bytes();
  if (!config_.bus.path.empty()) {
    status.bus.path = config_.bus.path;
    status.bus.resumed = log_.resumed();
  }
  if (const auto reason = log_.not_resumed_because(); !reason.empty()) status.bus.reason = reason;
  status.loop = {.turns = meter_.turns(),
                 .longest_turn_us = static_cast<uint64_t>(meter_.longest().count()),
                 .longest_turn_lately_us = static_cast<uint64_t>(meter_.longest_lately().count())};
  status.connections = sessions_.connections();
  status.subscribers = behind.size();
  status.behind_records = behind.empty() ? 0 : std::ranges::max(behind);
  status.lost_records = sessions_.counts().lost_records;
  status.process = {.resident_bytes = process.resident_bytes,
                    .descriptors = process.open_descriptors,
                    .max_descriptors = process.max_descriptors};
  return status;
}

MetricSources App::metric_sources() const {
  return {log_, dispatcher_, sessions_, meter_, asterisks_, leaving_, started_, &assignments_.groups(), assignments_.now()};
}

void App::stop() {
  if (stopping_) return;
  stopping_ = true;
  spdlog::info("stopping: finishing what is under way");
  systemd_.stopping(config_.drain_timeout + pbx::GracefulClose::max_time);
  assignments_.stop();
  dispatcher_.stop_waiting();
  sockets_.close();
  web_.close();
  sessions_.drain(config_.drain_timeout, [this] { leave(); });
}

// Disconnects from the Asterisks.
void App::leave() {
  const auto open = std::make_shared<size_t>(asterisks_.size());
  for (const auto& asterisk : asterisks_) {
    asterisk->leave("aribusd has ended", Milliseconds(0), [this, open] {
      if (--*open == 0) loop_.stop();
    });
  }
}

// Restores what the records of an earlier process say: live objects, who owned which call, and when each Asterisk
// was last connected.
void App::recall() {
  if (!log_.resumed()) return assignments_.recalled();
  JsonTape tape;
  record::Record record;
  for (uint64_t seq = log_.first(); seq < log_.next(); ++seq) {
    if (!record::read_text(tape, log_.record_text(seq), record)) continue;
    for (const auto& asterisk : asterisks_) {
      if (asterisk->name() != record.server) continue;
      asterisk->recall(record, seq, started_);
      assignments_.recall(*asterisk, record, seq);
    }
  }
  for (const auto& asterisk : asterisks_) asterisk->recalled();
  assignments_.recalled();
}

// Reads the configuration on another thread, then applies it. `reply` may be empty.
void App::reload(pbx::Reply reply) {
  waiting_reload_.push_back(std::move(reply));
  if (!loading_.is_busy()) load();
}

void App::load() {
  systemd_.reloading();
  const auto loaded = std::make_shared<std::optional<Result<config::Config>>>();
  const auto replies = std::make_shared<std::vector<pbx::Reply>>(std::exchange(waiting_reload_, {}));
  loading_.start(
      loop_, [loaded, file = config_.file] { loaded->emplace(config::load_config(file)); },
      [this, loaded, replies] {
        Reload outcome;
        if (stopping_) {
          outcome = {.applied = false, .error = {ErrorKind::not_connected, "aribusd is stopping", {}}};
        } else if (**loaded) {
          outcome = apply(std::move((*loaded)->value()));
        } else {
          outcome = {.applied = false, .error = (*loaded)->error()};
        }
        outcome.log();
        systemd_.reloaded();
        for (const pbx::Reply& reply : *replies) {
          if (reply) reply(pbx::ResultText(to_json(outcome.result())));
        }
        if (!waiting_reload_.empty()) load();  // the file may have changed since
      });
}

// An error changes nothing: nothing is closed before all that is new is open.
Result<void> App::listen_as(const config::Config& next) {
  Result<void> outcome = check_moves(config_, next);
  if (outcome) outcome = web_.prepare(next.web);
  if (outcome) outcome = sockets_.prepare(next.sockets);
  if (outcome) outcome = monitoring_.listen(next.metrics);
  if (!outcome) {
    web_.cancel();
    sockets_.cancel();
    return outcome;
  }
  web_.commit();
  sockets_.commit();
  return {};
}

// Steps that can fail come first.
Reload App::apply(config::Config next) {
  Reload outcome;
  if (auto listening = listen_as(next); !listening) return {.applied = false, .error = listening.error()};
  if (next.metrics != config_.metrics) outcome.changed.emplace_back("metrics");
  if (next.sockets != config_.sockets) outcome.changed.emplace_back("sockets");
  if (next.web != config_.web) outcome.changed.emplace_back("web");
  if (next.sessions != config_.sessions) sessions_.change(next.sessions);
  if (next.sessions.access != config_.sessions.access) outcome.changed.emplace_back("access");
  if (next.sessions.max_connections != config_.sessions.max_connections ||
      next.sessions.limits != config_.sessions.limits || next.drain_timeout != config_.drain_timeout) {
    outcome.changed.emplace_back("limits");
  }
  if (next.log_level != config_.log_level) {
    set_log_level(next.log_level);
    outcome.changed.push_back("logging.level: " + next.log_level);
  }
  if (next.audit != config_.audit) {
    control::start_audit(next.audit);
    outcome.changed.emplace_back(next.audit.on && config_.audit.on ? "logging.audit: other methods"
                                 : next.audit.on                   ? "logging.audit: on"
                                                                   : "logging.audit: off");
  }
  if (next.groups != config_.groups) {
    assignments_.configure(next.groups);
    outcome.changed.emplace_back("groups");
  }
  for (std::string& change : apply_asterisk(next.asterisk)) outcome.changed.push_back(std::move(change));
  outcome.restart = needs_restart(config_, next);
  next.bus = config_.bus;  // as it is until then
  outcome.warnings = next.warnings;
  config_ = std::move(next);
  return outcome;
}

std::vector<std::string> App::apply_asterisk(const std::vector<config::AsteriskConfig>& next) {
  std::vector<std::string> changed;
  const auto tell = [&](const std::string& name, std::string_view change) {
    if (!change.empty()) changed.push_back("asterisk " + name + ": " + std::string(change));
  };
  for (auto& asterisk : std::exchange(asterisks_, {})) {
    const std::string name = asterisk->name();
    const auto wanted = std::ranges::find(next, name, &config::AsteriskConfig::name);
    if (wanted != next.end()) {
      tell(name, asterisk->change(*wanted, config_.drain_timeout));
      asterisks_.push_back(std::move(asterisk));
    } else {
      tell(name, "removed");
      asterisk->leave("it was taken out of the configuration", config_.drain_timeout, [] {});
      leaving_.push_back(std::move(asterisk));
      sweep_.every(removal_interval, [this] { remove_gone(); });
    }
  }
  for (const config::AsteriskConfig& asterisk : next) {
    if (std::ranges::find(config_.asterisk, asterisk.name, &config::AsteriskConfig::name) ==
        config_.asterisk.end()) {
      tell(asterisk.name, "added");
    }
  }
  config_.asterisk = next;
  add_missing();
  return changed;
}

// One that is still leaving under the same name goes first.
void App::add_missing() {
  const auto place_of = [this](const auto& asterisk) {
    return std::ranges::find(config_.asterisk, asterisk->name(), &config::AsteriskConfig::name);
  };
  const auto is_there = [](const auto& asterisks, const std::string& name) {
    return std::ranges::any_of(asterisks, [&](const auto& asterisk) { return asterisk->name() == name; });
  };
  for (const config::AsteriskConfig& asterisk : config_.asterisk) {
    if (is_there(asterisks_, asterisk.name) || is_there(leaving_, asterisk.name)) continue;
    add_asterisk(asterisk);
    asterisks_.back()->connect();
  }
  std::ranges::sort(asterisks_, {}, place_of);
}

void App::remove_gone() {
  std::erase_if(leaving_, [this](const auto& asterisk) {
    if (!asterisk->is_gone() || !asterisk->forget()) return false;
    dispatcher_.remove_server(*asterisk);
    return true;
  });
  if (leaving_.empty()) sweep_.stop();
  if (!stopping_) add_missing();
  systemd_.update();
}

Result<void> App::listen() {
  std::map<std::string, Fd> inherited = inherited_sockets();
  if (auto listening = web_.listen(inherited); !listening) return listening;
  if (auto listening = sockets_.listen(std::move(inherited)); !listening) return listening;
  return monitoring_.listen(config_.metrics);
}

void App::log_stream() const {
  if (log_.resumed()) {
    spdlog::info("bus.path {}: the stream {} continues after record {}", config_.bus.path, log_.stream(),
                 log_.next() - 1);
  } else if (const std::string_view reason = log_.not_resumed_because(); !reason.empty()) {
    spdlog::warn("bus.path {}: a new stream begins: {}", config_.bus.path, reason);
  }
}

Result<void> App::run() {
  const Signal on_term(loop_, SIGTERM, [this] { stop(); });
  const Signal on_int(loop_, SIGINT, [this] { stop(); });
  const Signal on_hup(loop_, SIGHUP, [this] { reload({}); });
  if (auto listening = listen(); !listening) return listening;
  if (auto placed = log_.put_in_place(); !placed) return placed;
  log_stream();
  recall();
  for (const auto& asterisk : asterisks_) asterisk->connect();
  systemd_.start();
  loop_.run();
  spdlog::info("stopped");
  return {};
}

}  // namespace aribus::daemon
