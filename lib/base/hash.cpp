#include "base/hash.h"

#include <cstring>
#include <string>

#include "base/random.h"

namespace aribus {
namespace {

// The secret of this process' hashes.
struct HashKey {
  uint64_t seed = 0;
  uint64_t factor = 0;  // odd

  static HashKey random() {
    HashKey key;
    const std::string bytes = random_bytes(sizeof key);
    std::memcpy(&key, bytes.data(), sizeof key);
    key.factor |= 1;
    return key;
  }
};
const HashKey hash_key = HashKey::random();

}  // namespace

uint64_t hash_of(std::string_view bytes) {
  const uint64_t factor = hash_key.factor;
  uint64_t hash = hash_key.seed + bytes.size() * factor;
  const auto mix = [&](uint64_t word) {
    const auto product = static_cast<unsigned __int128>(hash ^ word) * factor;
    hash = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  const auto word_at = [&](size_t at, size_t size) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, size);
    return word;
  };
  size_t at = 0;
  for (; bytes.size() - at >= 8; at += 8) mix(word_at(at, 8));
  if (at == bytes.size()) return hash;
  if (at > 0) {
    mix(word_at(bytes.size() - 8, 8));  // overlaps the last whole word
  } else {
    mix(word_at(0, bytes.size()));
  }
  return hash;
}

}  // namespace aribus
