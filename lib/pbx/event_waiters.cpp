#include "pbx/event_waiters.h"

#include <algorithm>
#include <array>
#include <vector>

namespace aribus::pbx {
namespace {

constexpr int misses_of_an_end = 2;

// After such a record an application may get no more events of what is on a channel or bridge.
bool may_end_events(std::string_view type) {
  static constexpr std::array<std::string_view, 5> types = {"BridgeDestroyed", "ChannelDestroyed",
                                                            "ChannelLeftBridge", "StasisEnd", "state.gone"};
  return std::ranges::find(types, type) != types.end();
}

}  // namespace

uint64_t EventWaiters::add(record::IdKind kind, std::string_view id, Waiter wait) {
  by_id_.add(kind, id, next_);
  if (!wait.on.empty()) by_id_.add(wait.on_kind, wait.on, next_);
  if (wait.connection != 0) by_connection_.emplace(wait.connection, next_);
  waiters_.emplace(next_, Entry{.kind = kind, .id = std::string(id), .wait = std::move(wait)});
  return next_++;
}

void EventWaiters::look_for(uint64_t number, bool doubtful) {
  const auto at = waiters_.find(number);
  if (at == waiters_.end()) return;
  at->second.doubtful |= doubtful;
  schedule(number, at->second, at->second.doubtful ? options_.doubtful : options_.usual);
}

void EventWaiters::remove(uint64_t number) {
  const auto node = waiters_.extract(number);
  if (node.empty()) return;
  const Entry& entry = node.mapped();
  by_id_.remove(entry.kind, entry.id, number);
  if (!entry.wait.on.empty()) by_id_.remove(entry.wait.on_kind, entry.wait.on, number);
  due_.erase({entry.due, number});
  const auto [begin, end] = by_connection_.equal_range(entry.wait.connection);
  const auto at = std::find_if(begin, end, [&](const auto& of) { return of.second == number; });
  if (at != end) by_connection_.erase(at);
}

void EventWaiters::abandon(uint64_t connection) {
  const auto [begin, end] = by_connection_.equal_range(connection);
  std::vector<uint64_t> numbers;
  for (auto at = begin; at != end; ++at) numbers.push_back(at->second);
  for (const uint64_t number : numbers) {
    const auto abandoned = waiters_.at(number).wait.abandoned;
    remove(number);
    abandoned();
  }
}

void EventWaiters::lose(std::string_view app, const std::string& why) {
  std::vector<uint64_t> numbers;
  for (auto& [number, entry] : waiters_) {
    if (entry.wait.app == app) numbers.push_back(number);
    if (entry.wait.app.empty()) doubt(number);
  }
  for (const uint64_t number : numbers) {
    const auto at = waiters_.find(number);
    if (at == waiters_.end()) continue;  // another waiter's callback ended it
    const auto lost = at->second.wait.lost;
    remove(number);
    lost(why);
  }
}

void EventWaiters::see(const record::Record& record) {
  if (waiters_.empty()) return;
  if (record.type == "server.disconnected")
    return lose_all("the event stream was cut before the end was reported");
  if (record.type == "server.replaced") {
    return lose(record.app,
                "another client has taken the application '" + record.app + "' before the end was reported");
  }
  std::vector<uint64_t> about = by_id_.find(record.ids);
  about.erase(std::unique(about.begin(), about.end()),
              about.end());  // found twice if the record also names what the object is on
  const bool may_end = may_end_events(record.type);
  std::erase_if(about, [&](uint64_t number) {
    const Entry& entry = waiters_.at(number);
    const bool is_own = record.ids.contains(entry.kind, entry.id);
    if (may_end && (is_own || record.ids.contains(entry.wait.on_kind, entry.wait.on))) doubt(number);
    return !is_own;
  });
  if (about.empty()) return;
  const Result<Json> fields = parse_own_json("{" + record.fields.substr(record.fields.empty() ? 0 : 1) + "}");
  if (!fields) return;
  for (const uint64_t number : about) {
    const auto at = waiters_.find(number);
    if (at == waiters_.end()) continue;  // another waiter's callback ended it
    const auto see = at->second.wait.see;
    if (see(record, *fields)) remove(number);
  }
}

void EventWaiters::lose_all(const std::string& why) {
  by_id_ = {};
  by_connection_.clear();
  due_.clear();
  for (const auto& [number, entry] : std::exchange(waiters_, {})) entry.wait.lost(why);
}

void EventWaiters::doubt(uint64_t number) {
  Entry& entry = waiters_.at(number);
  entry.doubtful = true;
  const bool is_earlier = entry.due > loop_->now() + options_.soon;
  if (is_earlier) schedule(number, entry, options_.soon);
}

void EventWaiters::schedule(uint64_t number, Entry& entry, Milliseconds in) {
  due_.erase({entry.due, number});
  entry.due = loop_->now() + in;
  due_.insert({entry.due, number});
  arm();
}

void EventWaiters::look_when_due() {
  const Milliseconds now = loop_->now();
  while (!due_.empty() && due_.begin()->first <= now && looking_ < options_.max_looks) {
    const uint64_t number = due_.begin()->second;
    due_.erase(due_.begin());
    Entry& entry = waiters_.at(number);
    entry.due = Milliseconds(0);
    ++looking_;
    const auto look = entry.wait.look;
    look([this, number](Look found) { looked(number, found); });
  }
  arm();
}

void EventWaiters::arm() {
  if (looking_ >= options_.max_looks || due_.empty()) return timer_.stop();
  timer_.once(std::max(due_.begin()->first - loop_->now(), Milliseconds(0)), [this] { look_when_due(); });
}

void EventWaiters::looked(uint64_t number, Look found) {
  --looking_;
  const auto at = waiters_.find(number);
  if (at == waiters_.end()) return arm();
  Entry& entry = at->second;
  if (found == Look::there) entry.misses = 0;
  if (found == Look::gone && ++entry.misses == misses_of_an_end) {
    const auto unseen = entry.wait.unseen;
    remove(number);
    unseen();
    return arm();
  }
  const bool is_quiet = found == Look::there && !entry.doubtful;
  schedule(number, entry,
           found == Look::gone ? options_.again : (is_quiet ? options_.usual : options_.doubtful));
}

}  // namespace aribus::pbx
