#include "control/waits.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace aribus::control {

uint64_t Waits::add(record::IdKind kind, std::string_view id, Wait wait) {
  by_id_.add(kind, id, next_);
  if (wait.connection != 0) by_connection_.emplace(wait.connection, next_);
  waits_.emplace(next_, Entry{kind, std::string(id), std::move(wait)});
  return next_++;
}

void Waits::remove(uint64_t number) {
  const auto node = waits_.extract(number);
  if (node.empty()) return;
  const Entry& entry = node.mapped();
  by_id_.remove(entry.kind, entry.id, number);
  const auto [begin, end] = by_connection_.equal_range(entry.wait.connection);
  const auto at = std::find_if(begin, end, [&](const auto& of) { return of.second == number; });
  if (at != end) by_connection_.erase(at);
}

void Waits::abandon(uint64_t connection) {
  const auto [begin, end] = by_connection_.equal_range(connection);
  std::vector<uint64_t> numbers;
  for (auto at = begin; at != end; ++at) numbers.push_back(at->second);
  for (const uint64_t number : numbers) {
    const auto abandoned = waits_.at(number).wait.abandoned;
    remove(number);
    abandoned();
  }
}

void Waits::see(const record::Record& record) {
  if (waits_.empty()) return;
  if (record.type == "server.disconnected") return lose_all();
  std::vector<uint64_t> about = by_id_.find(record.ids);
  std::erase_if(about, [&](uint64_t number) {
    const Entry& entry = waits_.at(number);
    return !record.ids.contains(entry.kind, entry.id);
  });
  if (about.empty()) return;
  const Result<Json> fields = parse_own_json("{" + record.fields.substr(record.fields.empty() ? 0 : 1) + "}");
  if (!fields) return;
  for (const uint64_t number : about) {
    const auto at = waits_.find(number);
    if (at == waits_.end()) continue;  // ended by another one's end
    const auto see = at->second.wait.see;
    if (see(record, *fields)) remove(number);
  }
}

void Waits::lose_all() {
  by_id_ = {};
  by_connection_.clear();
  for (const auto& [number, entry] : std::exchange(waits_, {})) entry.wait.lost();
}

}  // namespace aribus::control
