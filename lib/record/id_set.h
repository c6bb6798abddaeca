// The ids that a record is about.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace aribus::record {

// The kinds before `call` are objects of ARI; calls are aribus' own (call.h).
enum class IdKind : uint8_t { channel, bridge, playback, recording, endpoint, device, call };
inline constexpr size_t id_kinds = 7;
inline constexpr size_t object_kinds = 6;  // those of ARI

// The name of the envelope's field for each kind: "channels", …
[[nodiscard]] std::string_view field_name(IdKind kind);

// The name of the member that shows an object of that kind, in events and in lists of `state.*`: "channel", …
[[nodiscard]] std::string_view object_name(IdKind kind);

// The kind with that field name; nothing if there is none.
[[nodiscard]] std::optional<IdKind> id_kind_of(std::string_view field_name);

// The hash by which indices find an id; `hash`: its hash_of().
[[nodiscard]] inline uint64_t id_hash(IdKind kind, uint64_t hash) {
  return hash ^ (static_cast<uint64_t>(kind) + 1) * 0x9E3779B97F4A7C15U;
}
[[nodiscard]] inline uint64_t id_hash(IdKind kind, std::string_view id) {
  return id_hash(kind, hash_of(id));
}

// Longer ids are ignored: Asterisk makes none of that length by itself, and the memory for ids is bounded by
// their number.
inline constexpr size_t max_id_bytes = 512;

// Ids in the order found, without duplicates.
class IdSet {
 public:
  struct Id {
    IdKind kind;
    std::string_view text;  // valid until the next add()
    uint64_t hash;          // id_hash(kind, text)

    [[nodiscard]] HashedText hashed() const { return {text, id_hash(kind, hash)}; }
  };

  // Adds `id`, unless it is empty, longer than max_id_bytes or there already. Returns its number, counted
  // from 1; 0 if it is not there.
  uint32_t add(IdKind kind, std::string_view id);
  // The same where its id_hash() is known.
  uint32_t add(IdKind kind, std::string_view id, uint64_t hash);
  // The same for one of very many, whose id_hash() is known. Required: it is not there, and is neither empty nor
  // longer than max_id_bytes.
  void add_new(IdKind kind, std::string_view id, uint64_t hash);
  void clear();
  // Makes room for so many ids.
  void reserve(size_t count);

  [[nodiscard]] size_t size() const { return places_.size(); }
  // Bytes of all ids together.
  [[nodiscard]] size_t text_size() const { return text_.size(); }
  // Required: i < size().
  [[nodiscard]] Id operator[](size_t i) const {
    const Place& place = places_[i];
    return {place.kind, text_of(place), place.hash};
  }
  // Whether there is one of that kind.
  [[nodiscard]] bool has(IdKind kind) const { return (kinds_ & 1U << static_cast<unsigned>(kind)) != 0; }
  // The ids of one kind.
  [[nodiscard]] std::vector<std::string_view> of(IdKind kind) const;
  [[nodiscard]] bool contains(IdKind kind, std::string_view id) const;

 private:
  struct Place {
    uint64_t hash;
    uint32_t begin;  // in text_
    uint32_t length;
    IdKind kind;
  };
  [[nodiscard]] std::string_view text_of(const Place& place) const {
    return {text_.data() + place.begin, place.length};
  }

  // Up to so many are searched one by one. Nearly every record has fewer.
  static constexpr size_t max_few = 32;
  // Whether one more is among them, too.
  [[nodiscard]] bool are_few() const { return found_.empty() && places_.size() < max_few; }

  std::string text_;  // of all ids
  std::vector<Place> places_;
  unsigned kinds_ = 0;  // those that there are, as bits
  [[nodiscard]] uint32_t number_of(IdKind kind, std::string_view id) const;
  void append(IdKind kind, std::string_view id, uint64_t hash);
  [[nodiscard]] size_t slot_of(IdKind kind, std::string_view id, uint64_t hash) const;
  void grow(size_t count) const;

  // Places by hash, with 1 added, if there are too many to search one by one; 0: free. After add_new() it is
  // made when an id is looked for.
  mutable std::vector<uint32_t> found_;
};

}  // namespace aribus::record
