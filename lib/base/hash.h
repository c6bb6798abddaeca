// Hashes for tables in memory.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

namespace aribus {

// A hash of `bytes` with a secret of this process: whoever chooses the keys of a table can't choose keys that
// collide. It differs from process to process.
[[nodiscard]] uint64_t hash_of(std::string_view bytes);

// A text with its hash, which several tables can use. A text alone is hashed.
struct HashedText {
  template <std::convertible_to<std::string_view> Text>
  HashedText(const Text& whole) : text(whole), hash(hash_of(text)) {}
  // Required: `its_hash` is hash_of(whole).
  HashedText(std::string_view whole, uint64_t its_hash) : text(whole), hash(its_hash) {}

  std::string_view text;
  uint64_t hash;
};

// The hash for tables with keys from outside the program (std::hash has no secret).
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return hash_of(text); }
};

}  // namespace aribus
