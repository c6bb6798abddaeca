#include "daemon/upstream.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/log.h"

namespace aribus::daemon {
namespace {

constexpr Milliseconds travel_time{1000};  // that an event may take through Asterisk, beside a sign of life
constexpr size_t max_reasons_told = 16;    // for one outage, in the log
constexpr Milliseconds take_over_timeout{1000};
constexpr size_t max_held_bytes = 16 << 20;
constexpr Milliseconds sweep_interval{50};

void tell_of_rest(const std::string& server, const ari::Client& client, bool over_websocket) {
  if (over_websocket) {
    return log_line(spdlog::level::info, {{"SERVER", server}}, "{}: requests go over the WebSocket", server);
  }
  const bool wanted = client.options().rest == ari::RestMode::websocket;
  log_line(
      wanted ? spdlog::level::warn : spdlog::level::info, {{"SERVER", server}},
      "{}: no answer comes over the WebSocket, so requests go over HTTP (it takes Asterisk 22.4, 21.9 or "
      "20.14, and no event filter that drops RESTResponse)",
      server);
}

std::string seconds_text(Milliseconds time) {
  const auto ms = time.count();
  return ms < 1000 ? std::to_string(ms) + " ms" : std::to_string((ms + 500) / 1000) + " s";
}

// Of `apps` those that are, or are not, among `others`.
std::vector<std::string> among(const std::vector<std::string>& others, bool are,
                               std::vector<std::string> apps) {
  std::erase_if(
      apps, [&](const std::string& app) { return (std::ranges::find(others, app) != others.end()) != are; });
  return apps;
}

}  // namespace

Upstream::Upstream(Loop& loop, control::Dispatcher& dispatcher, config::AsteriskConfig config,
                   Handlers handlers)
    : loop_(loop),
      dispatcher_(dispatcher),
      config_(std::move(config)),
      handlers_(std::move(handlers)),
      link_(make_link()),
      take_over_deadline_(loop),
      sweep_(loop),
      control_(dispatcher.add_server(config_.name, client())),
      sync_(config_.name, client(), control_.model(),
            state::Sync::Handlers{[this](const record::Record& record) { handlers_.publish(record); },
                                  [this] { return handlers_.next_seq(); }, [this] { become_ready(); },
                                  [this](const std::string& reason) { on_unread(reason); },
                                  [this](const std::string& app) { on_silent(app); },
                                  [this](const std::string& app) { on_heard(app); }}),
      since_(wall_now()) {
  if (client().options().listen) condition_.reason = "Asterisk has not connected yet";
}

Upstream::~Upstream() {
  // Connections first: nothing that they would call is to be called any more.
  partings_.clear();
  next_.reset();
  link_.reset();
  dispatcher_.remove_server(control_);
}

std::unique_ptr<Upstream::Link> Upstream::make_link() {
  auto link = std::make_unique<Link>();
  Link& placed = *link;
  ari::Client::Handlers handlers;
  handlers.connected = [this, &placed](const ari::ServerInfo& info) { on_connected(placed, info); };
  handlers.disconnected = [this, &placed](const std::string& reason, Milliseconds retry_in) {
    on_disconnected(placed, reason, retry_in);
  };
  handlers.message = [this, &placed](std::string_view text, size_t total_bytes) {
    on_message(placed, text, total_bytes);
  };
  handlers.application_answered = [this](const HttpRequest& request, const HttpResponse& response) {
    sync_.see(request, response);
  };
  handlers.rest_changed = [this, &placed](bool over_websocket) {
    if (&placed == link_.get()) tell_of_rest(name(), *placed.client, over_websocket);
  };
  handlers.warned = [this](const std::string& text) {
    log_line(spdlog::level::warn, {{"SERVER", name()}}, "{}: {}", name(), text);
  };
  auto client = ari::Client::make(loop_, config_.client, std::move(handlers));
  if (!client) throw std::invalid_argument(client.error().message);
  link->client = std::move(*client);
  return link;
}

void Upstream::recall(const record::Record& record, uint64_t seq, WallTime started) {
  control_.model().apply(record, seq);
  if (record.type == "server.connected" || record.type == "server.disconnected") ended_at_.clear();
  if (record.type == "server.connected") {
    if (const std::string_view of = record.member("startup_time"); of.size() > 2) {
      known_startup_ = of.substr(1, of.size() - 2);
    }
  }
  if (record.type == "server.disconnected") {
    if (const std::string_view until = record.member("startup_time"); !until.empty()) {
      ended_at_ = until.substr(1, until.size() - 2);
    }
  }
  heard_until_ = std::min(record.time, started) - travel_time;
}

void Upstream::recalled() {
  missed_because_ = "aribusd was not running";
  if (client().options().listen) client().continue_from(ended_at_);
}

std::string_view Upstream::change(config::AsteriskConfig config, Milliseconds patience) {
  const config::AsteriskConfig before = std::exchange(config_, std::move(config));
  if (before == config_) return {};
  if (before.client.url != config_.client.url) known_startup_.clear();  // another Asterisk was not restarted
  config::AsteriskConfig other_times = before;
  other_times.client.take_times(config_.client);
  if (other_times == config_) {
    client().set_times(config_.client);
    if (next_) next_->client->set_times(config_.client);
    return "other time-outs";
  }
  patience_ = patience;
  replace();
  return "connecting anew";
}

void Upstream::replace() {
  again_ = next_ != nullptr;  // that one first: it has begun to take over
  if (again_) return;
  const ari::ClientOptions& present = client().options();
  if (!client().is_connected() || present.listen || config_.client.listen) return take_leave();
  next_ = make_link();
  next_->holds = true;
  theirs_.clear();
  for (const std::string& app : among(config_.client.apps, true, present.apps)) {
    if (!client().replaced_apps().contains(app)) theirs_.insert(app);
  }
  next_->client->connect();
}

// The next one stands. What Asterisk sent on the one before comes first, which ends, for each application,
// with the event that it was taken over.
void Upstream::on_next_connected() {
  if (theirs_.empty() || !is_same_asterisk()) return take_over();
  take_over_deadline_.once(take_over_timeout, [this] { take_over(); });
}

bool Upstream::is_same_asterisk() const {
  return link_->client->info()->startup_time == next_->client->info()->startup_time;
}

void Upstream::take_over() {
  if (!is_same_asterisk()) go_down("the configuration was changed");
  promote_next();
  begin(*client().info());
  held_bytes_ = 0;
  for (const auto& [text, total_bytes] : std::exchange(held_, {})) receive(*link_, text, total_bytes);
}

// From now on all goes over the next one. Commands under way are answered on the one before.
void Upstream::promote_next() {
  take_over_deadline_.stop();
  theirs_.clear();
  auto parting = std::make_unique<Parting>();
  parting->link = std::exchange(link_, std::exchange(next_, nullptr));
  parting->graceful_close = std::move(graceful_close_);
  link_->holds = false;
  told_.clear();
  control_.use(client());
  sync_.use(client());
  if (parting->graceful_close == nullptr) {
    ari::Client& before = *parting->link->client;
    parting->graceful_close = std::make_unique<GracefulClose>(
        before, among(client().options().apps, false, before.options().apps), patience_, [](bool) {});
  }
  partings_.push_back(std::move(parting));
  sweep_.every(sweep_interval, [this] {
    std::erase_if(partings_, [](const auto& old) { return old->graceful_close->is_over(); });
    if (partings_.empty()) sweep_.stop();
  });
  if (std::exchange(again_, false)) replace();
}

void Upstream::leave(std::string reason, Milliseconds patience, std::function<void()> left) {
  leave_reason_ = std::move(reason);
  left_ = std::move(left);
  leaving_ = true;
  take_over_deadline_.stop();
  control_.close();
  sync_.stop();
  patience_ = patience;
  if (next_) next_->client->disconnect();
  take_leave();
}

// Both can't be there at a time, or there is nothing to be taken over, or nothing comes after it.
void Upstream::take_leave() {
  if (graceful_close_) return;
  graceful_close_ =
      std::make_unique<GracefulClose>(client(), client().options().apps, patience_, [this](bool was_up) {
        const std::string ended_at = client().ended_in_order();
        if (was_up) go_down(leaving_ ? leave_reason_ : "the configuration was changed", ended_at);
        if (leaving_) return left_();
        next_ = make_link();
        if (config_.client.listen) next_->client->continue_from(ended_at);
        promote_next();
        client().connect();
      });
}

bool Upstream::is_gone() const {
  return graceful_close_ && graceful_close_->is_over() && partings_.empty() && !control_.is_busy();
}

void Upstream::forget() {
  control_.resolver().give_up("this Asterisk was taken out of the configuration");
  record::Record gone = record::own_record(record::StateGone{}, name(), wall_now());
  for (const auto kind :
       {state::IdKind::channel, state::IdKind::bridge, state::IdKind::endpoint, state::IdKind::device}) {
    for (const auto& [id, object] : control_.model().of(kind)) gone.ids.add(kind, id);
  }
  if (gone.ids.size() > 0) handlers_.publish(gone);
  publish_own(record::ServerRemoved{});
}

void Upstream::on_message(Link& link, std::string_view text, size_t total_bytes) {
  if (!link.holds) return receive(link, text, total_bytes);
  held_.emplace_back(text, total_bytes);
  held_bytes_ += text.size();
  if (held_bytes_ > max_held_bytes) take_over();
}

void Upstream::receive(const Link& link, std::string_view text, size_t total_bytes) {
  ++received_;
  events_.read(text, total_bytes, name(), record_);
  if (sync_.take(record_)) return;
  const bool replaced = record_.type == "ApplicationReplaced";
  if (replaced && is_ours(link, record_.app)) return;
  handlers_.publish(record_);
  // Asterisk leaves our WebSocket open, and sends nothing of this application any more.
  if (replaced && &link == link_.get()) return on_replaced(std::string(record_.app));
  // Where Asterisk connects, nothing else says that an application is free again.
  if (client().options().listen && client().replaced_apps().contains(record_.app))
    on_heard(std::string(record_.app));
}

// Whether it is by a connection of ours that `app` was taken over from `link`.
bool Upstream::is_ours(const Link& link, const std::string& app) {
  if (&link != link_.get()) return std::ranges::find(config_.client.apps, app) != config_.client.apps.end();
  if (next_ == nullptr || theirs_.erase(app) == 0) return false;
  if (theirs_.empty() && next_->client->is_connected()) take_over();
  return true;
}

void Upstream::on_replaced(const std::string& app) {
  if (!client().replaced(app)) return;
  log_line(spdlog::level::warn, {{"SERVER", name()}, {"APP", app}},
           "{}: another client has taken over the application '{}', and its events go there now", name(),
           app);
  miss("another client had the application " + app);
  record::Record own = record::own_record(record::ServerReplaced{}, name(), wall_now());
  own.app = app;
  handlers_.publish(own);
  become({"replaced", true, replaced_reason()});
}

// Asterisk that connects here does so although another client has the application, and says nothing of it.
void Upstream::on_silent(const std::string& app) {
  if (!client().options().listen) return;
  on_replaced(app);
  heard_until_ = std::min(heard_until_.value_or(since_), since_);
}

void Upstream::on_heard(const std::string& app) {
  client().held(app);
  if (condition_.state != "replaced") return;
  if (!client().replaced_apps().empty()) return become({"replaced", true, replaced_reason()});
  become({"syncing", true, ""});
  sync_.begin(true);
}

// From now on something may be missed.
void Upstream::miss(const std::string& reason) {
  if (heard_until_) return;
  heard_until_ = wall_now() - client().silence() - travel_time;
  missed_because_ = reason;
}

// It was connected, and is not any more. `ended_at`: Asterisk's startup_time, when it was read to its end.
void Upstream::go_down(const std::string& reason, const std::string& ended_at) {
  sync_.stop();
  miss(reason);
  since_ = wall_now();
  record::ServerDisconnected disconnected{.reason = reason, .startup_time = {}};
  if (!ended_at.empty()) disconnected.startup_time = ended_at;
  publish_own(disconnected);
  become({"down", false, reason});
}

void Upstream::on_connected(Link& link, const ari::ServerInfo& info) {
  if (&link == next_.get()) return on_next_connected();
  if (&link == link_.get() && !leaving_) begin(info);
}

void Upstream::begin(const ari::ServerInfo& info) {
  tried_ = true;
  told_.clear();
  const bool restarted = tell_of_connection(info);
  since_ = wall_now();
  publish_own(record::ServerConnected{.version = info.version, .startup_time = info.startup_time});
  const auto heard_until = std::exchange(heard_until_, std::nullopt);
  const bool is_gap = heard_until && !client().continues();
  channels_before_.clear();
  if (is_gap) {
    if (!restarted) {
      for (const auto& [id, object] : control_.model().of(state::IdKind::channel))
        channels_before_.push_back(id);
    }
    publish_own(record::ServerGap{.from = *heard_until, .to = wall_now(), .reason = missed_because_});
  }
  // At the first time nothing is known of what was before, unless the stream goes on where it ended.
  const bool is_first = std::exchange(is_first_, false);
  become({"syncing", true, ""});
  sync_.begin(is_gap || (is_first && !client().continues()));
}

// The only place where what is shown of it changes: whoever shows it hears of each change.
void Upstream::become(Condition condition) {
  if (condition == condition_) return;
  condition_ = std::move(condition);
  handlers_.changed();
}

void Upstream::become_ready() {
  tell_of_gap();
  client().replaced_apps().empty() ? become({"ready", true, ""})
                                   : become({"replaced", true, replaced_reason()});
}

std::string Upstream::replaced_reason() const {
  std::string apps;
  for (const std::string& app : link_->client->replaced_apps()) {
    apps += (apps.empty() ? "'" : ", '") + app + "'";
  }
  return "another client has taken over the application " + apps;
}

// For how long it was away, and whether it was Asterisk that went. Returns that.
bool Upstream::tell_of_connection(const ari::ServerInfo& info) {
  const bool is_first = known_startup_.empty();
  const bool restarted = !is_first && known_startup_ != info.startup_time;
  known_startup_ = info.startup_time;
  const bool was_down = !is_first && !condition_.connected && !is_first_;
  const std::string away = was_down ? seconds_text(wall_now() - since_) : std::string();
  log_line(spdlog::level::info, {{"SERVER", name()}}, "{}: connected to Asterisk {} at {}{}", name(),
           info.version, client().url().text(), was_down ? " again, after " + away : "");
  if (!restarted) return false;
  log_line(spdlog::level::warn, {{"SERVER", name()}},
           "{}: Asterisk was restarted at {}, and the calls on its {} channels have ended", name(),
           info.startup_time, control_.model().of(state::IdKind::channel).size());
  return true;
}

// How many calls ended in the gap, now that it is known.
void Upstream::tell_of_gap() {
  const std::vector<std::string> before = std::exchange(channels_before_, {});
  const auto ended = std::ranges::count_if(before, [this](const std::string& id) {
    return control_.model().find(state::IdKind::channel, id) == nullptr;
  });
  if (ended == 0) return;
  log_line(spdlog::level::info, {{"SERVER", name()}}, "{}: of the {} channels before the gap {} have ended",
           name(), before.size(), ended);
}

// The same failure again, attempt by attempt, is no news, nor are two in turns.
bool Upstream::is_news(const std::string& reason) {
  return told_.size() < max_reasons_told && told_.insert(reason).second;
}

void Upstream::on_unread(const std::string& reason) {
  const std::string unread = "its live objects could not be read, as " + reason;
  log_line(is_news(unread) ? spdlog::level::warn : spdlog::level::debug, {{"SERVER", name()}},
           "{}: its live objects could not be read, as {}. aribusd keeps asking while it is connected",
           name(), reason);
  become({condition_.state, true, unread});
}

std::string Upstream::retrying() const {
  const ari::ClientOptions& options = link_->client->options();
  if (options.listen) return "aribusd waits for Asterisk to connect";
  return "aribusd keeps retrying, at most " +
         seconds_text(std::max(options.reconnect.max, options.reconnect.slow)) + " apart";
}

void Upstream::on_disconnected(Link& link, const std::string& reason, Milliseconds retry_in) {
  if (&link != link_.get() && &link != next_.get()) return;
  ++failures_;
  tried_ = true;
  if (is_news(reason)) {
    log_line(spdlog::level::warn, {{"SERVER", name()}}, "{}: {}{} {}", name(), reason,
             reason.ends_with('?') ? "" : ".", retrying());
  } else {
    log_line(spdlog::level::debug, {{"SERVER", name()}}, "{}: {}; next attempt in {} ms", name(), reason,
             retry_in.count());
  }
  condition_.connected ? go_down(reason) : become({"down", false, reason});
  if (next_ == nullptr || leaving_) return;
  // One of two: what the configuration says goes on, as after any failure.
  promote_next();
  held_.clear();
  held_bytes_ = 0;
  if (client().is_connected()) begin(*client().info());
}

pbx::ServerStatus Upstream::status() const {
  const ari::Client& client = *link_->client;
  const auto replaced = client.replaced_apps();
  pbx::ServerStatus status;
  status.name = name();
  status.connected = client.is_connected();
  status.state = state();
  status.since = since_;
  if (!reason().empty()) status.reason = reason();
  if (client.info()) status.version = client.info()->version;
  status.apps = client.options().apps;
  status.replaced.assign(replaced.begin(), replaced.end());
  status.received = received_;
  status.requests_open = client.open_requests();
  status.rest = client.rest_over_websocket() ? "websocket" : "http";
  return status;
}

}  // namespace aribus::daemon
