#include "state/whereabouts.h"

namespace aribus::state {

using record::IdKind;

std::string Whereabouts::key(IdKind kind, std::string_view id) {
  std::string key(1, static_cast<char>('0' + static_cast<int>(kind)));
  return key += id;
}

void Whereabouts::learn(IdKind kind, std::string_view id, std::string_view server) {
  const auto [at, added] = places_.try_emplace(key(kind, id), server);
  if (!added) {
    if (at->second != server) at->second.clear();
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

void Whereabouts::learn(const record::Record& record) {
  for (size_t i = 0; i < record.ids.size(); ++i) {
    const record::Ids::Id id = record.ids[i];
    if (id.kind != IdKind::endpoint && id.kind != IdKind::device) learn(id.kind, id.text, record.server);
  }
}

void Whereabouts::learn(const Model& model, std::string_view server) {
  for (const IdKind kind : {IdKind::channel, IdKind::bridge, IdKind::playback, IdKind::recording}) {
    for (const auto& [id, thing] : model.of(kind)) learn(kind, id, server);
  }
}

void Whereabouts::forget(std::string_view server) {
  std::erase_if(oldest_, [&](const std::string& key) {
    const auto at = places_.find(key);
    if (at == places_.end() || at->second != server) return false;
    bytes_ -= key.size();
    places_.erase(at);
    return true;
  });
}

std::optional<std::string> Whereabouts::find(IdKind kind, std::string_view id) const {
  const auto at = places_.find(key(kind, id));
  if (at == places_.end() || at->second.empty()) return {};
  return at->second;
}

}  // namespace aribus::state
