#include "record/id_set.h"

#include <algorithm>
#include <bit>

namespace aribus::record {

std::string_view field_name(IdKind kind) {
  static constexpr std::string_view names[id_kinds] = {"channels",  "bridges", "playbacks", "recordings",
                                                       "endpoints", "devices", "calls"};
  return names[static_cast<size_t>(kind)];
}

std::string_view object_name(IdKind kind) {
  static constexpr std::string_view names[id_kinds] = {"channel",  "bridge",       "playback", "recording",
                                                       "endpoint", "device_state", "call"};
  return names[static_cast<size_t>(kind)];
}

std::optional<IdKind> id_kind_of(std::string_view name) {
  for (size_t kind = 0; kind < id_kinds; ++kind) {
    if (field_name(static_cast<IdKind>(kind)) == name) return static_cast<IdKind>(kind);
  }
  return {};
}

uint32_t IdSet::add(IdKind kind, std::string_view id) {
  if (id.empty() || id.size() > max_id_bytes) return 0;
  if (!are_few()) return add(kind, id, id_hash(kind, id));
  if (const uint32_t number = number_of(kind, id); number != 0) return number;
  append(kind, id, id_hash(kind, id));
  return static_cast<uint32_t>(places_.size());
}

uint32_t IdSet::add(IdKind kind, std::string_view id, uint64_t hash) {
  if (id.empty() || id.size() > max_id_bytes) return 0;
  if (are_few()) {
    for (uint32_t i = 0; i < places_.size(); ++i) {
      if (places_[i].hash == hash && places_[i].kind == kind && text_of(places_[i]) == id) return i + 1;
    }
    append(kind, id, hash);
    return static_cast<uint32_t>(places_.size());
  }
  if (found_.empty()) grow(places_.size());
  const size_t slot = slot_of(kind, id, hash);
  if (found_[slot] != 0) return found_[slot];
  append(kind, id, hash);
  const auto number = static_cast<uint32_t>(places_.size());
  if (places_.size() * 2 > found_.size()) {
    grow(places_.size());
  } else {
    found_[slot] = number;
  }
  return number;
}

// The number of the id, found one by one; 0 if it is not there.
uint32_t IdSet::number_of(IdKind kind, std::string_view id) const {
  for (uint32_t i = 0; i < places_.size(); ++i) {
    if (places_[i].kind == kind && text_of(places_[i]) == id) return i + 1;
  }
  return 0;
}

void IdSet::add_new(IdKind kind, std::string_view id, uint64_t hash) {
  append(kind, id, hash);
  found_.clear();
}

void IdSet::append(IdKind kind, std::string_view id, uint64_t hash) {
  places_.push_back({hash, static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(id.size()), kind});
  text_ += id;
  kinds_ |= 1U << static_cast<unsigned>(kind);
}

// Where the id is in found_, or the free place for it. Required: there is one.
size_t IdSet::slot_of(IdKind kind, std::string_view id, uint64_t hash) const {
  const size_t mask = found_.size() - 1;
  for (size_t slot = hash & mask;; slot = (slot + 1) & mask) {
    if (found_[slot] == 0) return slot;
    const Place& place = places_[found_[slot] - 1];
    if (place.hash == hash && place.kind == kind && text_of(place) == id) return slot;
  }
}

void IdSet::reserve(size_t count) {
  constexpr size_t usual_bytes = 24;  // of an id
  places_.reserve(count);
  text_.reserve(count * usual_bytes);
}

// Room for `count` ids and as many again.
void IdSet::grow(size_t count) const {
  found_.assign(std::bit_ceil(count * 4), 0);
  const size_t mask = found_.size() - 1;
  for (size_t i = 0; i < places_.size(); ++i) {
    size_t slot = places_[i].hash & mask;
    while (found_[slot] != 0) slot = (slot + 1) & mask;
    found_[slot] = static_cast<uint32_t>(i + 1);
  }
}

bool IdSet::contains(IdKind kind, std::string_view id) const {
  if (found_.empty() && places_.size() > max_few) grow(places_.size());
  if (!found_.empty()) return found_[slot_of(kind, id, id_hash(kind, id))] != 0;
  return number_of(kind, id) != 0;
}

void IdSet::clear() {
  text_.clear();
  places_.clear();
  kinds_ = 0;
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
