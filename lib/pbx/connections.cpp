#include "pbx/connections.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "pbx/options_change.h"

namespace aribus::pbx {
namespace {

// The elements of `apps` that `others` contains, or those that it does not.
std::vector<std::string> among(const std::vector<std::string>& others, bool contained,
                               std::vector<std::string> apps) {
  std::erase_if(apps, [&](const std::string& app) {
    return (std::ranges::find(others, app) != others.end()) != contained;
  });
  return apps;
}

}  // namespace

Connections::Connections(Loop& loop, ari::ClientOptions client, Handlers handlers, ConnectionsOptions options)
    : loop_(loop),
      client_(std::move(client)),
      handlers_(std::move(handlers)),
      options_(options),
      link_(make_link()),
      takeover_deadline_(loop),
      sweep_(loop) {}

void Connections::drop() {
  old_connections_.clear();
  next_.reset();
  link_.reset();
}

std::unique_ptr<Connections::Link> Connections::make_link() {
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
  handlers.application_answered = handlers_.application_answered;
  handlers.rest_changed = [this, &placed](bool over_websocket) {
    if (is_present(placed)) handlers_.rest_changed(over_websocket);
  };
  handlers.warned = handlers_.warned;
  auto client = ari::Client::make(loop_, client_, std::move(handlers));
  if (!client) throw std::invalid_argument(client.error().message);
  link->client = std::move(*client);
  return link;
}

void Connections::set_times(const ari::ClientOptions& client) {
  client_ = with_times(std::move(client_), client);
  for (const auto* link : {&link_, &next_}) {
    if (*link) (*link)->client->set_times(with_times((*link)->client->options(), client));
  }
}

void Connections::replace(ari::ClientOptions client, Milliseconds patience) {
  client_ = std::move(client);
  patience_ = patience;
  again_ = next_ != nullptr;  // that one first: it has begun to take over
  if (!again_) begin_takeover();
}

void Connections::begin_takeover() {
  const ari::ClientOptions& present = client().options();
  if (!client().is_connected() || present.listen || client_.listen) return close_first();
  next_ = make_link();
  next_->holds = true;
  open_apps_.clear();
  for (const std::string& app : among(client_.apps, true, present.apps)) {
    if (!client().replaced_apps().contains(app)) open_apps_.insert(app);
  }
  next_->client->connect();
}

void Connections::on_connected(Link& link, const ari::ServerInfo& info) {
  if (&link == next_.get()) {
    if (open_apps_.empty() || !is_same_asterisk()) return take_over();
    takeover_deadline_.once(options_.takeover_timeout, [this] { take_over(); });
  } else if (is_present(link) && !leaving_) {
    handlers_.connected(info);
  }
}

bool Connections::is_same_asterisk() const {
  return link_->client->info()->startup_time == next_->client->info()->startup_time;
}

void Connections::on_message(const Link& link, std::string_view text, size_t total_bytes) {
  if (!link.holds) return handlers_.message(link, text, total_bytes);
  held_.emplace_back(text, total_bytes);
  held_bytes_ += text.size();
  if (held_bytes_ > options_.max_held_bytes) take_over();
}

bool Connections::is_ours(const Link& link, const std::string& app) {
  if (!is_present(link)) return std::ranges::find(client_.apps, app) != client_.apps.end();
  if (next_ == nullptr || open_apps_.erase(app) == 0) return false;
  if (open_apps_.empty() && next_->client->is_connected()) take_over();
  return true;
}

void Connections::take_over() {
  if (!is_same_asterisk()) handlers_.closed({});
  promote_next();
  handlers_.connected(*client().info());
  held_bytes_ = 0;
  for (const auto& [text, total_bytes] : std::exchange(held_, {})) {
    handlers_.message(*link_, text, total_bytes);
  }
}

void Connections::promote_next() {
  takeover_deadline_.stop();
  open_apps_.clear();
  auto old = std::make_unique<OldConnection>();
  old->link = std::exchange(link_, std::exchange(next_, nullptr));
  old->graceful_close = std::move(graceful_close_);
  link_->holds = false;
  ari::Client& before = *old->link->client;
  handlers_.switched(before, client());
  if (old->graceful_close == nullptr) {
    old->graceful_close = std::make_unique<GracefulClose>(
        before, among(client().options().apps, false, before.options().apps), patience_, [](bool) {});
  }
  old_connections_.push_back(std::move(old));
  sweep_.every(options_.sweep_interval, [this] {
    std::erase_if(old_connections_, [](const auto& one) { return one->graceful_close->is_over(); });
    if (old_connections_.empty()) sweep_.stop();
  });
  if (std::exchange(again_, false)) begin_takeover();
}

void Connections::on_disconnected(const Link& link, const std::string& reason, Milliseconds retry_in) {
  if (!is_present(link) && &link != next_.get()) return;
  handlers_.disconnected(reason, retry_in);
  if (next_ == nullptr || leaving_) return;
  promote_next();
  held_.clear();
  held_bytes_ = 0;
  if (client().is_connected()) handlers_.connected(*client().info());
}

void Connections::leave(Milliseconds patience, std::function<void()> left) {
  leaving_ = true;
  left_ = std::move(left);
  patience_ = patience;
  takeover_deadline_.stop();
  if (next_) next_->client->disconnect();
  close_first();
}

void Connections::close_first() {
  if (graceful_close_) return;
  graceful_close_ =
      std::make_unique<GracefulClose>(client(), client().options().apps, patience_, [this](bool was_up) {
        const std::string ended_at = client().ended_in_order();
        if (was_up) handlers_.closed(ended_at);
        if (leaving_) return left_();
        next_ = make_link();
        if (client_.listen) next_->client->continue_from(ended_at);
        promote_next();
        client().connect();
      });
}

bool Connections::is_gone() const {
  return graceful_close_ && graceful_close_->is_over() && old_connections_.empty();
}

}  // namespace aribus::pbx
