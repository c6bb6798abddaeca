#include "record/id_set.h"

#include <algorithm>

#include "base/hash.h"

namespace aribus::record {
namespace {

constexpr size_t searched = 32;  // up to so many are searched one by one; nearly every record has fewer

}  // namespace

std::string_view field_name(IdKind kind) {
  static constexpr std::string_view names[id_kinds] = {"channels",   "bridges",   "playbacks",
                                                       "recordings", "endpoints", "devices"};
  return names[static_cast<size_t>(kind)];
}

std::string_view object_name(IdKind kind) {
  static constexpr std::string_view names[id_kinds] = {"channel",   "bridge",   "playback",
                                                       "recording", "endpoint", "device_state"};
  return names[static_cast<size_t>(kind)];
}

std::optional<IdKind> id_kind_of(std::string_view name) {
  for (size_t kind = 0; kind < id_kinds; ++kind) {
    if (field_name(static_cast<IdKind>(kind)) == name) return static_cast<IdKind>(kind);
  }
  return {};
}

uint64_t id_hash(IdKind kind, std::string_view id) {
  return hash_of(id) ^ (static_cast<uint64_t>(kind) + 1) * 0x9E3779B97F4A7C15U;
}

void IdSet::add(IdKind kind, std::string_view id) {
  if (id.empty() || id.size() > max_id_bytes || contains(kind, id)) return;
  const uint64_t hash = id_hash(kind, id);
  places_.push_back({hash, static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(id.size()), kind});
  text_ += id;
  if (places_.size() <= searched) return;
  if (found_.empty()) {
    for (size_t i = 0; i < places_.size(); ++i) found_.emplace(places_[i].hash, i);
  } else {
    found_.emplace(hash, places_.size() - 1);
  }
}

bool IdSet::contains(IdKind kind, std::string_view id) const {
  const auto is_it = [&](const Place& place) { return place.kind == kind && text_of(place) == id; };
  if (found_.empty()) return std::ranges::any_of(places_, is_it);
  const auto [begin, end] = found_.equal_range(id_hash(kind, id));
  return std::any_of(begin, end, [&](const auto& entry) { return is_it(places_[entry.second]); });
}

void IdSet::clear() {
  text_.clear();
  places_.clear();
  if (!found_.empty()) found_.clear();
}

std::vector<std::string_view> IdSet::of(IdKind kind) const {
  std::vector<std::string_view> texts;
  for (const Place& place : places_) {
    if (place.kind == kind) texts.push_back(text_of(place));
  }
  return texts;
}

}  // namespace aribus::record
