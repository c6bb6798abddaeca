#include "pbx/server.h"

#include <algorithm>
#include <cassert>
#include <span>
#include <utility>
#include <vector>

#include "base/log.h"
#include "net/discard.h"
#include "pbx/assignments.h"
#include "pbx/options_change.h"
#include "record/answer.h"

namespace aribus::pbx {

Server::Server(Loop& loop, ServerOptions options, Handlers handlers, ServerTuning tuning)
    : options_(std::move(options)),
      handlers_(std::move(handlers)),
      clock_(std::move(tuning.clock)),
      loop_(loop),
      connections_(loop, options_.client, connection_handlers(), tuning.connections),
      condition_(options_.name,
                 options_.client.listen ? "Asterisk has not connected yet"
                                        : "the first attempt to connect is under way",
                 clock_.wall(), [this] { handlers_.changed(); }),
      gap_(options_.name, model_),
      incarnations_(clock_),
      stasis_(loop),
      waiters_(loop),
      resolver_(options_.name, connections_.client(), {}, clock_),
      commands_(options_.name, connections_.client(), stasis_, model_),
      resync_(options_.name, connections_.client(), model_, resync_handlers(), tuning.resync, clock_),
      events_(clock_.wall),
      publisher_{[this](const record::Record& record) { publish(record); }, [this] { return handlers_.next_seq(); }},
      forgetting_(loop) {
  model_.on_discard([&loop](std::shared_ptr<void> objects) { discard(loop, std::move(objects)); });
  resolver_.on_resolved([this](const Resolution& resolution) {
    if (resolved_) resolved_(resolution.command, resolution.outcome);
    publish(resolution.record);
  });
}

// The connections go first: they call the other parts.
Server::~Server() {
  connections_.drop();
  constexpr size_t freed_at_once = 256 << 10;
  if (model_.bytes() > freed_at_once) discard(loop_, std::make_shared<state::Model>(std::move(model_)));
}

Connections::Handlers Server::connection_handlers() {
  return {.connected = [this](const ari::ServerInfo& info) { on_connected(info); },
          .disconnected = [this](const std::string& reason,
                                 Milliseconds retry_in) { on_disconnected(reason, retry_in); },
          .closed =
              [this](const std::string& ended_at) {
                go_down(closed() ? leave_reason_ : "the configuration was changed", ended_at);
              },
          .message = [this](const Connections::Link& link, std::string_view text,
                            size_t total_bytes) { receive(link, text, total_bytes); },
          .switched = [this](const ari::Client& before, ari::Client& now) { on_switched(before, now); },
          .application_answered = [this](const HttpRequest& request,
                                         const HttpResponse& response) { resync_.see(request, response); },
          .rest_changed = [this](bool over_websocket) { log_rest(over_websocket); },
          .warned =
              [this](const std::string& text) {
                log_line(spdlog::level::warn, {{"SERVER", name()}}, "{}: {}", name(), text);
              }};
}

Resync::Handlers Server::resync_handlers() {
  return {.publish = [this](const record::Record& record) { publish(record); },
          .next_seq = [this] { return handlers_.next_seq(); },
          .done = [this] { become_ready(); },
          .failed = [this](const std::string& reason) { condition_.become_unread(reason); },
          .silent = [this](const std::string& app) { on_silent(app); },
          .heard = [this](const std::string& app) { on_heard(app); }};
}

void Server::recall(const record::Record& record, uint64_t seq, WallTime started) {
  model_.calls().recall(record, seq, model_);
  model_.apply(record, seq);
  gap_.recall(record, started);
}

void Server::recalled() {
  gap_.recalled();
  model_.calls().recalled(name(), clock_.wall(), model_);
  const auto ended = model_.calls().take_after();
  const std::vector<record::Record> after(ended.begin(), ended.end());
  for (const record::Record& one : after) append(one);
  if (assignments_ != nullptr) assignments_->recall_ended(after);
  if (client().options().listen) connections_.client().continue_from(gap_.ended_at());
}

std::string_view Server::change(ServerOptions options, Milliseconds patience) {
  const ServerOptions before = std::exchange(options_, std::move(options));
  if (before.client.url != options_.client.url) gap_.forget_asterisk();
  switch (change_of(before, options_)) {
    case OptionsChange::nothing:
      return {};
    case OptionsChange::times:
      connections_.set_times(options_.client);
      return "other time-outs";
    case OptionsChange::connection:
      connections_.replace(options_.client, patience);
      return "reconnecting";
  }
  return {};
}

void Server::leave(std::string reason, Milliseconds patience, std::function<void()> left) {
  leave_reason_ = std::move(reason);
  condition_.leave();
  resync_.stop();
  connections_.leave(patience, std::move(left));
}

bool Server::is_gone() const {
  return connections_.is_gone() && !is_busy();
}

bool Server::forget() {
  if (std::exchange(forgets_, true)) return forgotten_;
  resolver_.give_up("this Asterisk was taken out of the configuration");
  Slices work = forget_all();
  if (!work.run(SlicedWork::units_a_turn)) forgetting_.start(std::move(work));
  return forgotten_;
}

Slices Server::forget_all() {
  co_await state::publish_all_gone(name(), model_, clock_.wall(), publisher_);
  publish_own(record::ServerRemoved{});
  forgotten_ = true;
}

bool Server::hears(std::string_view app) const {
  const auto& apps = client().options().apps;
  return std::ranges::find(apps, app) != apps.end() && !client().replaced_apps().contains(std::string(app));
}

void Server::receive(const Connections::Link& link, std::string_view text, size_t total_bytes) {
  ++received_;
  events_.read(text, total_bytes, name(), record_);
  if (resync_.take(record_)) return;
  const bool replaced = record_.type == "ApplicationReplaced";
  if (replaced && connections_.is_ours(link, record_.app)) return;
  publish_in_place(record_);
  // Asterisk keeps our WebSocket open, and sends no more events of this application.
  if (replaced && connections_.is_present(link)) return on_replaced(std::string(record_.app));
  // Where Asterisk connects, only an event says that another client has given the application back.
  if (client().options().listen && client().replaced_apps().contains(record_.app))
    on_heard(std::string(record_.app));
}

// The parts learn from a record under the seq that the log is about to give it, because a command that a
// record answers must find it in the model, and its answer goes out before the record. So nothing that learns
// may publish on the same stack: that record would take the seq.
void Server::append(const record::Record& record) {
  const uint64_t seq = handlers_.next_seq();
  learn(record, seq);
  [[maybe_unused]] const uint64_t appended = handlers_.append(record);
  assert(appended == seq);
}

// What begins with a record is published before it, what ends with it after it. The parts learn nothing from records
// about calls: the record itself names the call and the channels.
void Server::publish_in_place(record::Record& record) {
  state::Calls& calls = model_.calls();
  calls.link(record, handlers_.next_seq(), model_);
  if (assignments_ != nullptr && assignments_->is_in_use()) return publish_to_groups(record);
  if (calls.has_before()) [[unlikely]] {
    for (const record::Record& before : calls.take_before()) handlers_.append(before);
  }
  append(record);
  if (calls.has_after()) [[unlikely]] {
    for (const record::Record& after : calls.take_after()) handlers_.append(after);
  }
}

// The same where there are groups: who owns a call is decided, and in the log, before its first record and after
// its last one.
void Server::publish_to_groups(record::Record& record) {
  state::Calls& calls = model_.calls();
  // Copies: what a group decides may cause other records.
  const auto copies_of = [](std::span<record::Record> records) {
    return std::vector<record::Record>(records.begin(), records.end());
  };
  const std::vector<record::Record> before = copies_of(calls.take_before());
  assignments_->see_before(*this, before, record);
  for (const record::Record& one : before) handlers_.append(one);
  {
    const Assignments::Hold hold(*assignments_);
    append(record);
  }
  const std::vector<record::Record> after = copies_of(calls.take_after());
  for (const record::Record& one : after) handlers_.append(one);
  assignments_->see_after(*this, record, after);
}

// Incarnations go before the model: they ask it what was known before the record.
void Server::learn(const record::Record& record, uint64_t seq) {
  if (id_directory_ != nullptr) id_directory_->learn(record);
  incarnations_.see(record, model_);
  model_.apply(record, seq);
  if (model_.has_doubt()) resync_.look_soon();
  stasis_.see(record);
  waiters_.see(record);
  resolver_.see(record);
}

void Server::learn_places(std::string_view answer) {
  if (id_directory_ == nullptr) return;
  record::Record record;
  record.server = name();
  record::lift_ids(answer, record.ids);
  id_directory_->learn(record);
}

void Server::on_connected(const ari::ServerInfo& info) {
  tried_ = true;
  condition_.forget_failures();
  const Gap::Found found = gap_.connected(info);
  log_connection(info, found);
  condition_.set_since(clock_.wall());
  publish_own(record::ServerConnected{.version = info.version, .startup_time = info.startup_time});
  const auto missed = gap_.end(client().continues(), found.restarted);
  if (missed) {
    publish_own(record::ServerGap{.from = missed->from, .to = clock_.wall(), .reason = missed->reason});
  }
  // At the first connection nothing is known of the time before, unless the stream goes on where it ended.
  const bool is_first = !std::exchange(was_connected_, true);
  if (is_first && assignments_ != nullptr) assignments_->connected(*this);
  condition_.become(State::syncing);
  resync_.begin(missed || (is_first && !client().continues()));
}

void Server::on_disconnected(const std::string& reason, Milliseconds retry_in) {
  ++failures_;
  tried_ = true;
  condition_.log_failure(reason, retry_in, client().options());
  is_connected() ? go_down(reason) : condition_.become(State::down, reason);
}

void Server::on_switched(const ari::Client& before, ari::Client& now) {
  condition_.forget_failures();
  resolver_.use(now);
  commands_.use(now);
  const auto& apps = now.options().apps;
  for (const std::string& app : before.options().apps) {
    if (std::ranges::find(apps, app) != apps.end()) continue;
    waiters_.lose(
        app, "the application '" + app + "' was taken out of the configuration before the end was reported");
  }
  resync_.use(now);
}

// It was connected, and is not any more. `ended_at`: Asterisk's startup_time, when its events were read to
// the end.
void Server::go_down(const std::string& reason, const std::string& ended_at) {
  resync_.stop();
  miss(reason);
  condition_.set_since(clock_.wall());
  record::ServerDisconnected disconnected{.reason = reason, .startup_time = {}};
  if (!ended_at.empty()) disconnected.startup_time = ended_at;
  publish_own(disconnected);
  condition_.become(State::down, reason);
}

void Server::miss(const std::string& reason) {
  gap_.miss(reason, clock_.wall(), client().silence());
}

void Server::on_replaced(const std::string& app) {
  if (!connections_.client().replaced(app)) return;
  log_line(spdlog::level::warn, {{"SERVER", name()}, {"APP", app}},
           "{}: another client has taken over the application '{}', and its events go there now", name(),
           app);
  miss("another client had the application " + app);
  record::Record own = record::own_record(record::ServerReplaced{}, name(), clock_.wall());
  own.app = app;
  publish(own);
  become_replaced();
}

// Asterisk that connects to aribus does so although another client has the application, and does not say so.
void Server::on_silent(const std::string& app) {
  if (!client().options().listen) return;
  on_replaced(app);
  gap_.extend(condition_.since());
}

void Server::on_heard(const std::string& app) {
  connections_.client().held(app);
  if (state() != State::replaced) return;
  if (!client().replaced_apps().empty()) return become_replaced();
  condition_.become(State::syncing);
  resync_.begin(true);
}

void Server::become_ready() {
  gap_.log_ended_channels();
  if (assignments_ != nullptr) assignments_->ready(*this);
  client().replaced_apps().empty() ? condition_.become(State::ready) : become_replaced();
}

void Server::become_replaced() {
  std::string apps;
  for (const std::string& app : client().replaced_apps()) apps += (apps.empty() ? "'" : ", '") + app + "'";
  condition_.become(State::replaced, "another client has taken over the application " + apps);
}

// Also for how long it was not connected, and whether Asterisk was restarted meanwhile.
void Server::log_connection(const ari::ServerInfo& info, const Gap::Found& found) const {
  const bool was_down = !found.is_first && !is_connected() && was_connected_;
  const std::string away = was_down ? seconds_text(clock_.wall() - condition_.since()) : std::string();
  log_line(spdlog::level::info, {{"SERVER", name()}}, "{}: connected to Asterisk {} at {}{}", name(),
           info.version, client().url().text(), was_down ? " again, after " + away : "");
  if (!found.restarted) return;
  log_line(spdlog::level::warn, {{"SERVER", name()}},
           "{}: Asterisk was restarted at {}, and the calls on its {} channels have ended", name(),
           info.startup_time, model_.of(state::IdKind::channel).size());
}

void Server::log_rest(bool over_websocket) const {
  if (over_websocket) {
    return log_line(spdlog::level::info, {{"SERVER", name()}}, "{}: requests go over the WebSocket", name());
  }
  const bool wanted = client().options().rest == ari::RestMode::websocket;
  log_line(
      wanted ? spdlog::level::warn : spdlog::level::info, {{"SERVER", name()}},
      "{}: no answer comes over the WebSocket, so requests go over HTTP (it takes Asterisk 22.4, 21.9 or "
      "20.14, and no event filter that drops RESTResponse)",
      name());
}

ServerStatus Server::status() const {
  const auto replaced = client().replaced_apps();
  ServerStatus status;
  status.name = name();
  status.connected = client().is_connected();
  status.state = state_name(state());
  status.since = condition_.since();
  if (!condition_.reason().empty()) status.reason = condition_.reason();
  if (client().info()) status.version = client().info()->version;
  status.apps = client().options().apps;
  status.replaced.assign(replaced.begin(), replaced.end());
  status.received = received_;
  status.calls = model_.calls().size();
  status.requests_open = client().open_requests();
  status.rest = client().rest_over_websocket() ? "websocket" : "http";
  return status;
}

}  // namespace aribus::pbx
