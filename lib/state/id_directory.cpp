#include "state/id_directory.h"

#include <algorithm>
#include <iterator>

namespace aribus::state {
namespace {

using record::IdKind;

// Records of these types name objects that no longer exist on that server, or never did: they add an id, but
// do not change the server of a known one.
constexpr std::string_view past[] = {"BridgeDestroyed", "ChannelDestroyed", "command.resolved"};

}  // namespace

std::string IdDirectory::key(IdKind kind, std::string_view id) {
  std::string key(1, static_cast<char>('0' + static_cast<int>(kind)));
  return key += id;
}

void IdDirectory::learn(IdKind kind, std::string_view id, std::string_view server, bool past) {
  const auto [at, added] = places_.try_emplace(key(kind, id), server);
  if (!added) {
    if (!past && at->second != server) at->second = server;
    return;
  }
  oldest_.push_back(at->first);
  bytes_ += at->first.size();
  while (oldest_.size() > max_ids_ || bytes_ > max_bytes_) {
    bytes_ -= oldest_.front().size();
    places_.erase(oldest_.front());
    oldest_.pop_front();
  }
}

void IdDirectory::learn(const record::Record& record) {
  const bool is_past = std::ranges::find(past, record.type) != std::end(past);
  for (size_t i = 0; i < record.ids.size(); ++i) {
    const record::IdSet::Id id = record.ids[i];
    if (id.kind == IdKind::endpoint || id.kind == IdKind::device) continue;
    learn(id.kind, id.text, record.server, is_past);
  }
}

void IdDirectory::forget(std::string_view server) {
  std::erase_if(oldest_, [&](const std::string& key) {
    const auto at = places_.find(key);
    if (at == places_.end() || at->second != server) return false;
    bytes_ -= key.size();
    places_.erase(at);
    return true;
  });
}

std::optional<std::string> IdDirectory::find(IdKind kind, std::string_view id) const {
  const auto at = places_.find(key(kind, id));
  if (at == places_.end()) return {};
  return at->second;
}

}  // namespace aribus::state
