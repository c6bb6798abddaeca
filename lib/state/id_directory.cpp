#include "state/id_directory.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "record/own_records.h"

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
  const std::string text = key(kind, id);
  auto* const known = places_.find(text);
  if (known == nullptr) {
    places_.add(text).second = server;
    oldest_.push_back(text);
    bytes_ += text.size();
  } else if (known->second == server || (past && servers_.contains(known->second))) {
    return;
  } else {
    count(std::exchange(known->second, server), static_cast<size_t>(-1));
  }
  count(server, 1);
  while (oldest_.size() > max_ids_ || bytes_ > max_bytes_) {
    bytes_ -= oldest_.front().size();
    count(places_.find(oldest_.front())->second, static_cast<size_t>(-1));
    places_.erase(oldest_.front());
    oldest_.pop_front();
  }
}

void IdDirectory::learn(const record::Record& record) {
  if (record.type == record::ServerResynced::type) return;
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
  const auto* const at = places_.find(key(kind, id));
  if (at == nullptr) return {};
  const auto server = servers_.find(at->second);
  return server == servers_.end() ? std::nullopt : std::optional(server->second.name);
}

}  // namespace aribus::state
