#include "control/waits.h"

#include <utility>
#include <vector>

namespace aribus::control {

uint64_t Waits::add(record::IdKind kind, std::string_view id, Wait wait) {
  waits_.emplace(next_, Entry{kind, std::string(id), std::move(wait)});
  return next_++;
}

void Waits::see(const record::Record& record) {
  if (waits_.empty()) return;
  if (record.type == "server.disconnected") return lose_all();
  std::vector<uint64_t> about;
  for (const auto& [number, entry] : waits_) {
    if (record.ids.contains(entry.kind, entry.id)) about.push_back(number);
  }
  if (about.empty()) return;
  const Result<Json> fields = parse_json("{" + record.fields.substr(record.fields.empty() ? 0 : 1) + "}");
  if (!fields) return;
  for (const uint64_t number : about) {
    const auto at = waits_.find(number);
    if (at == waits_.end()) continue;  // ended by another one's end
    const auto see = at->second.wait.see;
    if (see(record, *fields)) waits_.erase(number);
  }
}

void Waits::lose_all() {
  for (const auto& [number, entry] : std::exchange(waits_, {})) entry.wait.lost();
}

}  // namespace aribus::control
