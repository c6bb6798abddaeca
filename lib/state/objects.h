// A live object of ARI.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "state/versioned.h"

namespace aribus::state {

// That channels are in a bridge, as long as it lives.
struct Seat {
  std::string bridge;                 // its id
  std::vector<std::string> channels;  // as it listed them last
  std::string list;                   // likewise, as JSON
  size_t list_place = 0;              // where `list` begins in the bridge's text, counted from the end
  // The first version (Model::freeze()) in which the bridge is no more.
  uint64_t ended = std::numeric_limits<uint64_t>::max();
};

// A channel, bridge, playback, recording, endpoint or device.
struct Object {
  std::string text;  // as ARI showed it last: a JSON object, normalized
  uint64_t seq = 0;  // of the last record that showed it
  uint64_t first_seq = 0;  // of the record that showed it first
  WallTime began;    // its creation, if ARI says so; else the time of the first record about it
  std::string made;  // its `creationtime`, which distinguishes objects with the same id; "" if it has none
  std::vector<std::string> seen_by = {};  // applications whose records showed it, at most max_apps_seen_by
  // Of a channel:
  std::string app;                         // the Stasis application that it is in, or ""
  std::vector<std::string> ends_due = {};  // it was moved from these; their StasisEnd is still to come
  std::optional<WallTime> app_since = {};  // Asterisk's time of the StasisStart that set `app`
  uint64_t app_seq = 0;                    // of the record that last named its application; 0: none
  bool offered = false;  // offered to all applications by StasisBroadcast(), not claimed yet
  std::vector<std::pair<std::string, std::string>> variables;  // names and values, both as JSON strings
  size_t variable_bytes = 0;
  std::vector<std::shared_ptr<const Seat>> seats = {};  // of the bridges that list it, the latest one last
  // Of a bridge:
  std::shared_ptr<Seat> seat = {};

  // The bridge that a channel is in, in the version `number`; "" if none.
  [[nodiscard]] std::string_view bridge(uint64_t number) const;
};

// Bytes of its text and variables.
[[nodiscard]] inline size_t bytes_of(const Object& object) {
  return object.text.size() + object.variable_bytes;
}
[[nodiscard]] inline size_t made_bytes_of(const Object& /*object*/) {
  return 0;
}

using Objects = VersionedMap<Object>;
using FrozenObjects = FrozenMap<Object>;

}  // namespace aribus::state
