// A map by text for very many entries.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/hash.h"

namespace aribus {

// When a hash table grows, that takes time in proportion to its size. This one consists of many small ones, so that no
// operation takes long. Entries stay where they are until they are erased.
template <typename Value>
class ShardedMap {
  struct HashOf {
    using is_transparent = void;
    size_t operator()(const HashedText& key) const { return key.hash; }
    size_t operator()(const std::string& text) const { return hash_of(text); }
  };
  struct IsSame {
    using is_transparent = void;
    bool operator()(const std::string& a, const std::string& b) const { return a == b; }
    bool operator()(const HashedText& key, const std::string& text) const { return key.text == text; }
    bool operator()(const std::string& text, const HashedText& key) const { return key.text == text; }
  };
  using Shard = std::unordered_map<std::string, Value, HashOf, IsSame>;

 public:
  using Entry = typename Shard::value_type;

  // nullptr when there is none.
  [[nodiscard]] Entry* find(const HashedText& key) {
    Shard& shard = shard_of(key.hash);
    const auto at = shard.find(key);
    return at == shard.end() ? nullptr : &*at;
  }
  [[nodiscard]] const Entry* find(const HashedText& key) const {
    return const_cast<ShardedMap&>(*this).find(key);
  }
  // The entry of that text, which is made if there is none.
  Entry& add(const HashedText& key) {
    Shard& shard = shard_of(key.hash);
    const size_t before = shard.size();
    const auto at = shard.try_emplace(std::string(key.text)).first;
    size_ += shard.size() - before;
    return *at;
  }
  // Nothing happens if there is none.
  void erase(const HashedText& key) {
    Shard& shard = shard_of(key.hash);
    const auto at = shard.find(key);
    if (at == shard.end()) return;
    shard.erase(at);
    --size_;
  }
  [[nodiscard]] size_t size() const { return size_; }
  // Calls `use(entry)` for all of them, in no order. Required: `use` adds and erases none.
  template <typename Use>
  void each(Use use) const {
    for (const Shard& shard : shards_) {
      for (const Entry& entry : shard) use(entry);
    }
  }

 private:
  static constexpr int shard_bits = 6;
  [[nodiscard]] Shard& shard_of(uint64_t hash) { return shards_[hash >> (64 - shard_bits)]; }

  std::array<Shard, 1 << shard_bits> shards_;  // by the upper bits of the hash
  size_t size_ = 0;
};

}  // namespace aribus
