#include "groups/ownership.h"

#include <algorithm>

#include "record/id_set.h"

namespace aribus::groups {

std::string_view Ownership::owner_at(uint64_t call, uint64_t seq) const {
  const auto at = calls_.find(call);
  if (at == calls_.end()) return {};
  const std::vector<Mark>& marks = at->second;
  if (marks.back().from <= seq) return marks.back().owner;  // nearly always
  const auto next = std::ranges::upper_bound(marks, seq, {}, &Mark::from);
  return next == marks.begin() ? std::string_view() : std::string_view(std::prev(next)->owner);
}

uint64_t Ownership::owned_since(uint64_t call) const {
  const auto at = calls_.find(call);
  return at == calls_.end() ? 0 : at->second.back().from;
}

void Ownership::assign(uint64_t call, uint64_t seq, const std::string& member) {
  add(call, seq, member);
}

void Ownership::confirm(uint64_t call, const std::string& member) {
  if (!calls_.contains(call)) add(call, 0, member);
}

void Ownership::release(uint64_t call, uint64_t seq, const std::string& member) {
  confirm(call, member);
  if (!calls_[call].back().owner.empty()) add(call, seq + 1, "");
}

void Ownership::add(uint64_t call, uint64_t from, const std::string& owner) {
  std::vector<Mark>& marks = calls_[call];
  if (!marks.empty() && marks.back().from == from) {  // released and assigned again, one after the other
    marks.back().owner = owner;
    return;
  }
  marks.push_back({from, owner});
  order_.emplace_back(from, call);
}

// A mark that the log has left behind ends those before it; a last one without an owner says nothing more.
void Ownership::forget_before(uint64_t first) {
  while (!order_.empty() && order_.front().first <= first) {
    const auto [from, call] = order_.front();
    order_.pop_front();
    const auto at = calls_.find(call);
    if (at == calls_.end()) continue;
    std::vector<Mark>& marks = at->second;
    std::erase_if(marks, [from = from](const Mark& mark) { return mark.from < from; });
    if (marks.size() == 1 && marks.front().from == from && marks.front().owner.empty()) calls_.erase(at);
  }
}

std::shared_ptr<Ownership> Ownerships::get(const std::string& group) {
  std::shared_ptr<Ownership>& ownership = groups_[group];
  if (!ownership) ownership = std::make_shared<Ownership>();
  return ownership;
}

void Ownerships::learn(const record::GroupAssigned& record, uint64_t seq) {
  get(record.group)->assign(record::id_hash(record::IdKind::call, record.call), seq, record.member);
}

void Ownerships::learn(const record::GroupAccepted& record) {
  get(record.group)->confirm(record::id_hash(record::IdKind::call, record.call), record.member);
}

void Ownerships::learn(const record::GroupReleased& record, uint64_t seq) {
  get(record.group)->release(record::id_hash(record::IdKind::call, record.call), seq, record.member);
}

void Ownerships::forget_before(uint64_t first) {
  for (auto at = groups_.begin(); at != groups_.end();) {
    at->second->forget_before(first);
    at = at->second->empty() && at->second.use_count() == 1 ? groups_.erase(at) : std::next(at);
  }
}

}  // namespace aribus::groups
