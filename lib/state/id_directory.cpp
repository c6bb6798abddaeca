#include "state/id_directory.h"

#include <algorithm>
#include <iterator>
#include <utility>

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

// There are few servers.
uint32_t IdDirectory::number_of(std::string_view server) {
  for (const auto& [number, known] : servers_) {
    if (known.name == server) return number;
  }
  servers_[++last_number_].name = server;
  return last_number_;
}

void IdDirectory::count(uint32_t server, size_t more) {
  if (const auto at = servers_.find(server); at != servers_.end()) at->second.ids += more;
}

size_t IdDirectory::size() const {
  size_t ids = 0;
  for (const auto& [number, server] : servers_) ids += server.ids;
  return ids;
}

void IdDirectory::learn(IdKind kind, std::string_view id, uint32_t server, bool past) {
  const auto [at, added] = places_.try_emplace(key(kind, id), server);
  if (added) {
    oldest_.push_back(at->first);
    bytes_ += at->first.size();
  } else if (at->second == server || (past && servers_.contains(at->second))) {
    return;
  } else {
    count(std::exchange(at->second, server), static_cast<size_t>(-1));
  }
  count(server, 1);
  while (oldest_.size() > max_ids_ || bytes_ > max_bytes_) {
    bytes_ -= oldest_.front().size();
    const auto dropped = places_.find(oldest_.front());
    count(dropped->second, static_cast<size_t>(-1));
    places_.erase(dropped);
    oldest_.pop_front();
  }
}

void IdDirectory::learn(const record::Record& record) {
  const bool is_past = std::ranges::find(past, record.type) != std::end(past);
  const uint32_t server = record.ids.size() > 0 ? number_of(record.server) : 0;
  for (size_t i = 0; i < record.ids.size(); ++i) {
    const record::IdSet::Id id = record.ids[i];
    if (id.kind == IdKind::endpoint || id.kind == IdKind::device) continue;
    learn(id.kind, id.text, server, is_past);
  }
}

void IdDirectory::forget(std::string_view server) {
  std::erase_if(servers_, [&](const auto& known) { return known.second.name == server; });
}

std::optional<std::string> IdDirectory::find(IdKind kind, std::string_view id) const {
  const auto at = places_.find(key(kind, id));
  if (at == places_.end()) return {};
  const auto server = servers_.find(at->second);
  return server == servers_.end() ? std::nullopt : std::optional(server->second.name);
}

}  // namespace aribus::state
