#include "daemon/app.h"

#include <algorithm>
#include <csignal>

#include <unistd.h>

#include "base/log.h"
#include "daemon/activation.h"
#include "daemon/notify.h"
#include "daemon/own_methods.h"

namespace aribus::daemon {
namespace {

constexpr Milliseconds unsubscribe_timeout{1000};
constexpr Milliseconds leave_timeout{2000};
constexpr Milliseconds travel_time{1000};  // that an event may take through Asterisk, beside a sign of life
constexpr Milliseconds stop_margin{2000};  // for all that ends besides what has a bound of its own
constexpr Milliseconds ready_timeout{10'000};
constexpr size_t max_reasons_told = 16;  // for one outage, in the log

void tell_of_rest(const std::string& server, const ari::Client& client, bool over_websocket) {
  if (over_websocket) {
    return log_line(spdlog::level::info, {{"SERVER", server}}, "{}: requests go over the WebSocket", server);
  }
  const bool wanted = client.options().rest == ari::RestMode::websocket;
  log_line(
      wanted ? spdlog::level::warn : spdlog::level::info, {{"SERVER", server}},
      "{}: no answer comes over the WebSocket (it takes Asterisk 22.4, 21.9 or 20.14, and no event filter "
      "that drops RESTResponse): requests go over HTTP",
      server);
}

}  // namespace

Result<std::unique_ptr<App>> App::make(Config config) {
  Result<bus::Log> log = bus::Log::make(config.bus);
  if (!log) return log.error();
  std::unique_ptr<App> app(new App(std::move(config), std::move(*log)));
  for (const AsteriskConfig& asterisk : app->config_.asterisk) {
    if (auto added = app->add_upstream(asterisk); !added) return added.error();
  }
  return app;
}

App::App(Config config, bus::Log log)
    : config_(std::move(config)),
      log_(std::move(log)),
      server_(loop_, log_, dispatcher_, config_.ipc),
      meter_(loop_),
      watchdog_(loop_),
      ready_deadline_(loop_),
      leave_deadline_(loop_),
      started_(wall_now()) {
  dispatcher_.on_own_record([this](const record::Record& record) { publish(record); });
  add_own_methods(dispatcher_, {.hello = [this](const control::Caller& caller) { return hello(caller); },
                                .status = [this] { return status(); },
                                .cursor = [this] { return log_.cursor().text(); }});
}

Result<void> App::add_upstream(const AsteriskConfig& config) {
  auto upstream = std::make_unique<Upstream>();
  upstream->name = config.name;
  upstream->reason = "starting";
  upstream->since = started_;
  Upstream& placed = *upstream;
  ari::Client::Handlers handlers;
  handlers.connected = [this, &placed](const ari::ServerInfo& info) { on_connected(placed, info); };
  handlers.disconnected = [this, &placed](const std::string& reason, Milliseconds retry_in) {
    on_disconnected(placed, reason, retry_in);
  };
  handlers.message = [this, &placed](std::string_view text, size_t total_bytes) {
    on_message(placed, text, total_bytes);
  };
  handlers.application_answered = [&placed](const ari::HttpRequest& request,
                                            const ari::HttpResponse& response) {
    placed.sync->see(request, response);
  };
  handlers.rest_changed = [&placed](bool over_websocket) {
    tell_of_rest(placed.name, *placed.client, over_websocket);
  };
  auto client = ari::Client::make(loop_, config.client, std::move(handlers));
  if (!client) return client.error();
  upstream->client = std::move(*client);
  dispatcher_.add_server(config.name, *upstream->client);
  upstream->sync = std::make_unique<state::Sync>(
      config.name, *upstream->client, dispatcher_.servers().back()->model(),
      state::Sync::Handlers{
          [this](const record::Record& record) { publish(record); }, [this] { return log_.next(); },
          [&placed] { placed.state = placed.client->replaced_apps().empty() ? "ready" : "replaced"; },
          [&placed](const std::string& reason) {
            log_line(spdlog::level::warn, {{"SERVER", placed.name}},
                     "{}: what lives on it could not be read: {}; trying again", placed.name, reason);
          },
          [this, &placed](const std::string& app) { on_silent(placed, app); },
          [this, &placed](const std::string& app) { on_heard(placed, app); }});
  upstreams_.push_back(std::move(upstream));
  return {};
}

void App::on_message(Upstream& upstream, std::string_view text, size_t total_bytes) {
  ++upstream.received;
  record::Record& record = received_;
  events_.read(text, total_bytes, upstream.name, record);
  if (upstream.sync->take(record)) return;
  publish(record);
  // Asterisk leaves our WebSocket open, and sends nothing of this application any more.
  if (record.type == "ApplicationReplaced") on_replaced(upstream, record.app);
}

void App::on_replaced(Upstream& upstream, const std::string& app) {
  if (!upstream.client->replaced(app)) return;
  log_line(spdlog::level::warn, {{"SERVER", upstream.name}, {"APP", app}},
           "{}: another client has taken over the application '{}': its events go there now", upstream.name,
           app);
  upstream.state = "replaced";
  miss(upstream, "another client had the application " + app);
  record::Record own = record::own_record("server.replaced", upstream.name, {}, wall_now());
  own.app = app;
  publish(own);
}

// Asterisk that connects here does so although another client has the application, and says nothing of it.
void App::on_silent(Upstream& upstream, const std::string& app) {
  if (!upstream.client->options().listen) return;
  on_replaced(upstream, app);
  upstream.heard_until = std::min(upstream.heard_until.value_or(upstream.since), upstream.since);
}

void App::on_heard(Upstream& upstream, const std::string& app) {
  upstream.client->held(app);
  if (upstream.state != "replaced" || !upstream.client->replaced_apps().empty()) return;
  upstream.state = "syncing";
  upstream.sync->begin();
}

void App::publish(const record::Record& record) {
  dispatcher_.learn(record, log_.next());
  log_.append(record);
}

// From now on something may be missed.
void App::miss(Upstream& upstream, const std::string& reason) {
  if (upstream.heard_until) return;
  upstream.heard_until = wall_now() - upstream.client->silence() - travel_time;
  upstream.missed_because = reason;
}

void App::publish_own(const Upstream& upstream, std::string_view type, const std::string& fields) {
  publish(record::own_record(type, upstream.name, fields, wall_now()));
}

void App::on_connected(Upstream& upstream, const ari::ServerInfo& info) {
  upstream.reason.clear();
  upstream.told.clear();
  upstream.since = wall_now();
  log_line(spdlog::level::info, {{"SERVER", upstream.name}}, "{}: connected to Asterisk {} at {}",
           upstream.name, info.version, upstream.client->url().text());
  publish_own(upstream, "server.connected", render([&](JsonWriter& writer) {
                writer.StartObject();
                write_member(writer, "version", info.version);
                write_member(writer, "startup_time", info.startup_time);
                writer.EndObject();
              }));
  const auto heard_until = std::exchange(upstream.heard_until, std::nullopt);
  if (heard_until && !upstream.client->continues()) {
    publish_own(upstream, "server.gap", render([&](JsonWriter& writer) {
                  writer.StartObject();
                  write_member(writer, "from", to_rfc3339(*heard_until));
                  write_member(writer, "to", to_rfc3339(wall_now()));
                  write_member(writer, "reason", upstream.missed_because);
                  writer.EndObject();
                }));
  }
  upstream.state = "syncing";
  upstream.sync->begin();
  on_tried(upstream);
}

void App::on_disconnected(Upstream& upstream, const std::string& reason, Milliseconds retry_in) {
  // The same failure again, attempt by attempt, is no news, nor are two in turns.
  const bool news = upstream.told.size() < max_reasons_told && upstream.told.insert(reason).second;
  if (news) {
    log_line(spdlog::level::warn, {{"SERVER", upstream.name}}, "{}: {}; trying again, for ever",
             upstream.name, reason);
  } else {
    log_line(spdlog::level::debug, {{"SERVER", upstream.name}}, "{}: {}; next attempt in {} ms",
             upstream.name, reason, retry_in.count());
  }
  const bool was_up = upstream.reason.empty();
  upstream.reason = reason;
  upstream.state = "down";
  upstream.sync->stop();
  if (was_up) {
    miss(upstream, reason);
    upstream.since = wall_now();
    publish_own(upstream, "server.disconnected", render([&](JsonWriter& writer) {
                  writer.StartObject();
                  write_member(writer, "reason", reason);
                  writer.EndObject();
                }));
  }
  on_tried(upstream);
}

std::string App::hello(const control::Caller& caller) const {
  return render([&](JsonWriter& writer) {
    writer.StartObject();
    write_member(writer, "aribus", ARIBUS_VERSION);
    write_member(writer, "started", to_rfc3339(started_));
    write_member(writer, "cursor", log_.cursor().text());
    write_key(writer, "servers");
    writer.StartArray();
    for (const auto& upstream : upstreams_) write_string(writer, upstream->name);
    writer.EndArray();
    write_key(writer, "peer");
    writer.StartObject();
    if (!caller.user.empty()) write_member(writer, "user", caller.user);
    write_key(writer, "uid");
    writer.Uint(caller.peer.uid);
    write_key(writer, "gid");
    writer.Uint(caller.peer.gid);
    write_key(writer, "groups");
    writer.StartArray();
    for (const gid_t group : caller.peer.groups) writer.Uint(group);
    writer.EndArray();
    write_key(writer, "pid");
    writer.Int(caller.peer.pid);
    write_member(writer, "socket", caller.peer.socket);
    writer.EndObject();
    write_member(writer, "rule", caller.rule->name);
    writer.EndObject();
  });
}

std::string App::status() const {
  return render([&](JsonWriter& writer) {
    const auto number = [&](const char* name, uint64_t value) {
      writer.Key(name);
      writer.Uint64(value);
    };
    writer.StartObject();
    write_member(writer, "aribus", ARIBUS_VERSION);
    number("pid", static_cast<uint64_t>(::getpid()));
    write_member(writer, "started", to_rfc3339(started_));
    writer.Key("servers");
    writer.StartArray();
    for (const auto& upstream : upstreams_) {
      const bool connected = upstream->client->is_connected();
      writer.StartObject();
      write_member(writer, "name", upstream->name);
      writer.Key("connected");
      writer.Bool(connected);
      write_member(writer, "state", upstream->state);
      write_member(writer, "since", to_rfc3339(upstream->since));
      if (!connected) write_member(writer, "reason", upstream->reason);
      if (upstream->client->info()) write_member(writer, "version", upstream->client->info()->version);
      writer.Key("apps");
      writer.StartArray();
      for (const std::string& app : upstream->client->options().apps) write_string(writer, app);
      writer.EndArray();
      writer.Key("replaced");
      writer.StartArray();
      for (const std::string& app : upstream->client->replaced_apps()) write_string(writer, app);
      writer.EndArray();
      number("received", upstream->received);
      number("requests_open", upstream->client->open_requests());
      write_member(writer, "rest", upstream->client->rest_over_websocket() ? "websocket" : "http");
      writer.EndObject();
    }
    writer.EndArray();
    writer.Key("bus");
    writer.StartObject();
    write_member(writer, "stream", log_.stream());
    number("first", log_.first());
    number("next", log_.next());
    number("ring_bytes", log_.ring_bytes());
    number("used_bytes", log_.used_bytes());
    if (!config_.bus.path.empty()) {
      write_member(writer, "path", config_.bus.path);
      writer.Key("resumed");
      writer.Bool(log_.resumed());
    }
    if (const auto reason = log_.not_resumed_because(); !reason.empty()) {
      write_member(writer, "reason", reason);
    }
    writer.EndObject();
    writer.Key("loop");
    writer.StartObject();
    number("turns", meter_.turns());
    number("longest_turn_us", static_cast<uint64_t>(meter_.longest().count()));
    number("longest_turn_lately_us", static_cast<uint64_t>(meter_.longest_lately().count()));
    writer.EndObject();
    number("connections", server_.connections());
    number("subscribers", server_.subscribers());
    writer.EndObject();
  });
}

void App::on_tried(Upstream& upstream) {
  upstream.tried = true;
  if (std::ranges::all_of(upstreams_, [](const auto& other) { return other->tried; })) become_ready();
  tell_systemd();
}

void App::become_ready() {
  if (std::exchange(ready_, true)) return;
  ready_deadline_.stop();
  notify_systemd("READY=1");
}

void App::tell_systemd() const {
  size_t connected = 0;
  std::string missing;
  for (const auto& upstream : upstreams_) {
    if (upstream->reason.empty()) {
      ++connected;
    } else {
      missing += "; " + upstream->name + ": " + upstream->reason;
    }
  }
  notify_status(std::to_string(connected) + " of " + std::to_string(upstreams_.size()) +
                " Asterisk servers connected" + missing);
}

void App::stop() {
  if (stopping_) return;
  stopping_ = true;
  spdlog::info("stopping: finishing what is under way");
  const Milliseconds longest = config_.drain_timeout + unsubscribe_timeout + leave_timeout;
  notify_systemd("STOPPING=1\nEXTEND_TIMEOUT_USEC=" +
                 std::to_string(std::chrono::microseconds(longest + stop_margin).count()));
  server_.drain(config_.drain_timeout, [this] { leave(); });
}

// Takes leave of the Asterisks. ARI of 22.10 may stand still for ever when an application that hears of
// device states goes away while one changes (its thread waits for a lock that waits for the thread): first
// that ends. An application to which Asterisk connects stays, and keeps what it hears of.
void App::leave() {
  const auto open = std::make_shared<size_t>(1);
  const auto done = [this, open] {
    if (--*open == 0) close_events();
  };
  for (const auto& upstream : upstreams_) {
    const ari::ClientOptions& options = upstream->client->options();
    if (!upstream->client->is_connected() || options.listen) continue;
    for (const std::string& app : options.apps) {
      ++*open;
      upstream->client->request(
          "DELETE", "/applications/" + ari::percent_encode(app) + "/subscription?eventSource=deviceState%3A",
          "", [done](const auto&) { done(); });
    }
  }
  leave_deadline_.once(unsubscribe_timeout, [this] { close_events(); });
  done();
}

// Each event stream is read to its end, so that nothing is lost where Asterisk keeps what comes after it.
void App::close_events() {
  if (std::exchange(closing_, true)) return;
  const auto open = std::make_shared<size_t>(upstreams_.size());
  for (const auto& upstream : upstreams_) {
    const bool connected = upstream->client->is_connected();
    upstream->client->leave(leave_timeout, [this, open, &upstream, connected] {
      if (connected) tell_end(*upstream);
      if (--*open == 0) loop_.stop();
    });
  }
}

// For whoever goes on with this log.
void App::tell_end(const Upstream& upstream) {
  publish_own(upstream, "server.disconnected", render([&](JsonWriter& writer) {
                writer.StartObject();
                write_member(writer, "reason", "aribusd has ended");
                if (const std::string& until = upstream.client->ended_in_order(); !until.empty()) {
                  write_member(writer, "startup_time", until);
                }
                writer.EndObject();
              }));
}

// What the records of an earlier process tell: what lived, and until when each Asterisk was heard.
void App::recall() {
  if (!log_.resumed()) return;
  JsonTape tape;
  record::Record record;
  for (uint64_t seq = log_.first(); seq < log_.next(); ++seq) {
    if (!record::read_line(tape, log_.line(seq), record)) continue;
    for (size_t i = 0; i < upstreams_.size(); ++i) {
      Upstream& upstream = *upstreams_[i];
      if (upstream.name != record.server) continue;
      dispatcher_.servers()[i]->model().apply(record, seq);
      if (record.type == "server.connected" || record.type == "server.disconnected")
        upstream.ended_at.clear();
      if (record.type == "server.disconnected") {
        if (const std::string_view until = record.member("startup_time"); !until.empty()) {
          upstream.ended_at = until.substr(1, until.size() - 2);
        }
      }
      upstream.heard_until = std::min(record.time, started_) - travel_time;
    }
  }
  for (const auto& upstream : upstreams_) {
    upstream->missed_because = "aribusd was not running";
    if (upstream->client->options().listen) upstream->client->continue_from(upstream->ended_at);
  }
}

void App::tell_of_log() const {
  if (log_.resumed()) {
    spdlog::info("bus.path {}: the stream {} goes on after record {}", config_.bus.path, log_.stream(),
                 log_.next() - 1);
  } else if (const std::string_view reason = log_.not_resumed_because(); !reason.empty()) {
    spdlog::warn("bus.path {}: the stream starts afresh: {}", config_.bus.path, reason);
  }
}

Result<void> App::run() {
  const Signal on_term(loop_, SIGTERM, [this] { stop(); });
  const Signal on_int(loop_, SIGINT, [this] { stop(); });
  const Signal on_hup(loop_, SIGHUP, [this] {
    notify_reloading();
    spdlog::warn(
        "SIGHUP is passed over: the configuration is read at the start; restart aribusd to apply it");
    if (ready_) notify_systemd("READY=1");
  });
  if (auto listening = server_.listen(inherited_sockets()); !listening) return listening;
  tell_of_log();
  recall();
  for (const auto& upstream : upstreams_) {
    upstream->client->connect();
    if (upstream->client->options().listen) on_tried(*upstream);
  }
  if (const auto interval = watchdog_interval())
    watchdog_.every(*interval, [] { notify_systemd("WATCHDOG=1"); });
  ready_deadline_.once(ready_timeout, [this] { become_ready(); });
  loop_.run();
  spdlog::info("stopped");
  return {};
}

}  // namespace aribus::daemon
