#include "net/request_queue.h"

#include <algorithm>

namespace aribus {
namespace {

constexpr size_t kept = 2;  // reserved connections: one for requests that change something, one for admin

}  // namespace

RequestQueue::Id RequestQueue::push(const Requester& from, bool changes) {
  const Id id = ++last_;
  waiting_.emplace(id, Request{from, changes});
  User& user = users_[from.user];
  if (user.changes.turns.empty() && user.reads.turns.empty()) turns_.push_back(from.user);
  Lane& lane = changes ? user.changes : user.reads;
  const auto [line, is_new] = lane.by_connection.try_emplace(from.connection);
  if (is_new) lane.turns.push_back(from.connection);
  line->second.insert(id);
  return id;
}

// A user whose requests can't be sent now keeps the turn.
std::optional<RequestQueue::Id> RequestQueue::next() {
  if (under_way_.size() >= connections_) return std::nullopt;
  for (auto turn = turns_.begin(); turn != turns_.end(); ++turn) {
    const uint64_t number = *turn;
    User& user = users_.at(number);
    const auto id = next_of(user);
    if (!id) continue;
    turns_.erase(turn);
    if (!user.changes.turns.empty() || !user.reads.turns.empty()) turns_.push_back(number);
    const auto at = under_way_.insert(waiting_.extract(*id)).position;
    count(at->second, 1);
    return id;
  }
  return std::nullopt;
}

std::optional<RequestQueue::Id> RequestQueue::next_of(User& user) {
  const bool reads_first = user.changes_in_a_row >= changes_in_a_row;
  if (!reads_first) {
    if (const auto id = take(user.changes, user)) {
      user.changes_in_a_row += user.reads.turns.empty() ? 0 : 1;
      return id;
    }
  }
  if (const auto id = take(user.reads, user)) {
    user.changes_in_a_row = 0;
    return id;
  }
  return reads_first ? take(user.changes, user) : std::nullopt;
}

std::optional<RequestQueue::Id> RequestQueue::take(Lane& lane, const User& user) {
  for (auto turn = lane.turns.begin(); turn != lane.turns.end(); ++turn) {
    const uint64_t connection = *turn;
    const auto line = lane.by_connection.find(connection);
    const Id id = *line->second.begin();
    if (!may_start(waiting_.at(id), user)) continue;
    line->second.erase(line->second.begin());
    lane.turns.erase(turn);
    if (line->second.empty()) {
      lane.by_connection.erase(line);
    } else {
      lane.turns.push_back(connection);
    }
    return id;
  }
  return std::nullopt;
}

bool RequestQueue::may_start(const Request& request, const User& user) const {
  if (request.from.user == Requester::daemon) return true;
  const bool reads = !request.changes;
  const auto share = [this](size_t for_others) {
    return connections_ > for_others ? connections_ - for_others : 1;
  };
  if (user.under_way >= share(kept)) return false;
  if (reads && user.reads_under_way >= share(kept + 1)) return false;
  if (connections_ <= kept) return true;
  if (reads && reads_ >= connections_ - 1) return false;
  if (request.from.admin) return true;
  return not_admins_ < connections_ - 1 && (!reads || not_admins_reads_ < connections_ - kept);
}

void RequestQueue::remove(Id id) {
  if (const auto node = under_way_.extract(id)) {
    count(node.mapped(), static_cast<size_t>(-1));
    return forget_if_idle(node.mapped().from.user);
  }
  const auto node = waiting_.extract(id);
  if (!node) return;
  const auto& [from, changes] = node.mapped();
  User& user = users_.at(from.user);
  Lane& lane = changes ? user.changes : user.reads;
  const auto line = lane.by_connection.find(from.connection);
  line->second.erase(id);
  if (!line->second.empty()) return;
  lane.by_connection.erase(line);
  std::erase(lane.turns, from.connection);
  if (user.changes.turns.empty() && user.reads.turns.empty()) std::erase(turns_, from.user);
  forget_if_idle(from.user);
}

// `change` is 1, or -1 modulo.
void RequestQueue::count(const Request& request, size_t change) {
  User& user = users_.at(request.from.user);
  user.under_way += change;
  if (!request.changes) user.reads_under_way += change;
  if (request.from.user == Requester::daemon) return;
  if (!request.changes) reads_ += change;
  if (request.from.admin) return;
  not_admins_ += change;
  if (!request.changes) not_admins_reads_ += change;
}

void RequestQueue::forget_if_idle(uint64_t number) {
  const auto at = users_.find(number);
  const User& user = at->second;
  if (user.under_way == 0 && user.changes.turns.empty() && user.reads.turns.empty()) users_.erase(at);
}

}  // namespace aribus
