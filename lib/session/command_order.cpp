#include "session/command_order.h"

#include <algorithm>

namespace aribus::session {

bool CommandOrder::enter(uint64_t ticket, std::vector<std::string> keys) {
  std::ranges::sort(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  Entry& entry = entries_[ticket];
  entry.keys = std::move(keys);
  for (const std::string& key : entry.keys) {
    auto& queue = queues_[key];
    if (!queue.empty()) ++entry.behind;
    queue.push_back(ticket);
  }
  return entry.behind == 0;
}

std::vector<uint64_t> CommandOrder::leave(uint64_t ticket) {
  std::vector<uint64_t> freed;
  const auto node = entries_.extract(ticket);
  if (node.empty()) return {};
  for (const std::string& key : node.mapped().keys) {
    const auto queue = queues_.find(key);
    queue->second.pop_front();
    if (queue->second.empty()) {
      queues_.erase(queue);
    } else if (const uint64_t next = queue->second.front(); --entries_.at(next).behind == 0) {
      freed.push_back(next);
    }
  }
  std::ranges::sort(freed);
  return freed;
}

}  // namespace aribus::session
