// Hashes for tables in memory.
#pragma once

#include <cstdint>
#include <string_view>

namespace aribus {

// A hash of `bytes` with a secret of this process: whoever chooses the keys of a table can't choose keys that
// collide. It differs from process to process.
[[nodiscard]] uint64_t hash_of(std::string_view bytes);

// The hash for tables with keys from outside the program (std::hash has no secret).
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return hash_of(text); }
};

}  // namespace aribus
