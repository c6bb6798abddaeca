// Objects by id, in versions: live objects of ARI (objects.h), and calls (calls.h).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/hash.h"

namespace aribus::state {

// An object and its id, as ranges of objects show them.
template <typename Object>
struct Named {
  const std::string& id;
  const Object& object;
};

// The versions that somebody holds, and what is in memory for them alone. Shared by a model and its versions.
struct Versions {
  // Destroys, on some thread, objects of which there are very many. Empty: they are destroyed at once.
  std::function<void(std::shared_ptr<void>)> discard;
  std::map<uint64_t, size_t> kept_bytes;  // by number: of objects that have changed since
  size_t latest_bytes = 0;                // of those that belong to the latest version, in addition
};

template <typename Object>
class VersionedMap;

// The objects of one kind as they were, sorted by id. Copies share everything: it takes the memory of what
// has changed since.
template <typename Object>
class FrozenMap {
  struct Item {
    Item(const HashedText& its_id, uint64_t first) : id(its_id.text), hash(its_id.hash), version(first) {}

    std::string id;
    uint64_t hash;
    uint64_t version;  // the first one that it may be in
    Object object{};
  };
  struct Chunk {
    std::vector<std::shared_ptr<Item>> items;  // sorted, never empty
  };
  using Chunks = std::vector<std::shared_ptr<Chunk>>;

 public:
  // Walks over the objects; keeps them, whatever happens to the range that it is from.
  class Iterator {
   public:
    Named<Object> operator*() const {
      const Item& item = *(*chunks_)[chunk_]->items[at_];
      return {item.id, item.object};
    }
    // hash_of() of its id.
    [[nodiscard]] uint64_t hash() const { return (*chunks_)[chunk_]->items[at_]->hash; }
    Iterator& operator++() {
      if (++at_ == (*chunks_)[chunk_]->items.size()) {
        ++chunk_;
        at_ = 0;
      }
      return *this;
    }
    bool operator==(const Iterator& other) const { return chunk_ == other.chunk_ && at_ == other.at_; }

   private:
    friend class FrozenMap;
    Iterator(const Chunks* chunks, size_t chunk, size_t at = 0) : chunks_(chunks), chunk_(chunk), at_(at) {}
    const Chunks* chunks_;
    size_t chunk_;
    size_t at_;
  };

  FrozenMap() : chunks_(std::make_shared<Chunks>()) {}

  [[nodiscard]] size_t size() const { return size_; }
  // Bytes of their texts and variables.
  [[nodiscard]] size_t text_bytes() const { return text_bytes_; }
  [[nodiscard]] Iterator begin() const { return {chunks_.get(), 0}; }
  [[nodiscard]] Iterator end() const { return {chunks_.get(), chunks_->size()}; }
  // The first one whose id is not before `id`.
  [[nodiscard]] Iterator from(std::string_view id) const;
  // nullptr when there is none.
  [[nodiscard]] const Object* find(std::string_view id) const;
  // Likewise, for many ids that are about in order: looks behind `near` first, and `near` is then where it was found.
  [[nodiscard]] const Object* find(std::string_view id, std::optional<Iterator>& near) const;

 private:
  friend class VersionedMap<Object>;

  // The number of the chunk that holds `id`, or would hold it.
  [[nodiscard]] size_t chunk_of(std::string_view id) const;
  [[nodiscard]] static size_t place_in(const Chunk& chunk, std::string_view id);

  std::shared_ptr<Chunks> chunks_;
  size_t size_ = 0;
  size_t text_bytes_ = 0;
};

// The live objects of one kind. What they were at a time is kept without copying them (freeze()): an object
// is copied when it is changed for the first time after that. A hash finds an object; sorted chunks of them
// make the versions. No operation takes time in proportion to the number of objects.
//
// `bytes_of(const Object&)` must tell the bytes of an object's texts, and `made_bytes_of(const Object&)` those of what
// readers have made of it.
template <typename Object>
class VersionedMap {
  using Frozen = FrozenMap<Object>;
  using Item = typename Frozen::Item;
  using Chunk = typename Frozen::Chunk;

 public:
  // Where an object is, until it is erased.
  using Slot = Item*;

  explicit VersionedMap(std::shared_ptr<Versions> versions) : versions_(std::move(versions)) {}
  VersionedMap(VersionedMap&&) = default;
  VersionedMap& operator=(VersionedMap&&) = default;

  [[nodiscard]] size_t size() const { return live_.size_; }
  // In the order of their ids. Required: nothing is changed meanwhile.
  [[nodiscard]] typename Frozen::Iterator begin() const { return live_.begin(); }
  [[nodiscard]] typename Frozen::Iterator end() const { return live_.end(); }
  [[nodiscard]] typename Frozen::Iterator from(std::string_view id) const { return live_.from(id); }

  // nullptr when there is none.
  [[nodiscard]] const Object* find(const HashedText& id) const {
    Item* const* const slot = find_slot(id);
    return slot == nullptr ? nullptr : &(*slot)->object;
  }
  [[nodiscard]] Item* const* find_slot(const HashedText& id) const {
    const Shard& shard = shard_of(id.hash);
    const auto at = shard.find(id);
    return at == shard.end() ? nullptr : &at->item;
  }
  [[nodiscard]] Slot* find_slot(const HashedText& id) {
    return const_cast<Slot*>(std::as_const(*this).find_slot(id));
  }
  [[nodiscard]] static const Object& object(const Slot& slot) { return slot->object; }
  [[nodiscard]] static const std::string& id(const Slot& slot) { return slot->id; }

  // The object, to be changed. Valid until the next freeze(), add() or erase().
  [[nodiscard]] Object& change(Slot& slot) {
    if (slot->version != version_) unshare(slot);
    return slot->object;
  }
  // Adds an object. Required: there is none with this id.
  Slot& add(const HashedText& id);
  // Required: there is one with this id.
  void erase(std::string_view id);
  // An object's text or variables have become longer by so many bytes.
  void grow(size_t bytes) { live_.text_bytes_ += bytes; }

  // The objects as they are. `version`: the number of the one that begins now; it only grows.
  [[nodiscard]] Frozen freeze(uint64_t version) {
    version_ = version;
    return live_;
  }
  // Number of objects that were copied because a version may have held them.
  [[nodiscard]] uint64_t copied() const { return copied_; }

 private:
  struct Handle {
    mutable Item* item;
  };
  struct HashOf {
    using is_transparent = void;
    size_t operator()(const HashedText& id) const { return id.hash; }
    size_t operator()(const Handle& handle) const { return handle.item->hash; }
  };
  struct IsSame {
    using is_transparent = void;
    bool operator()(const Handle& a, const Handle& b) const { return a.item->id == b.item->id; }
    bool operator()(const HashedText& id, const Handle& handle) const { return id.text == handle.item->id; }
    bool operator()(const Handle& handle, const HashedText& id) const { return id.text == handle.item->id; }
  };
  using Shard = std::unordered_set<Handle, HashOf, IsSame>;
  // When a table grows, that takes time in proportion to its size: there are many small ones.
  static constexpr size_t shards = 64;
  [[nodiscard]] const Shard& shard_of(uint64_t hash) const { return shards_[hash >> 58]; }
  [[nodiscard]] Shard& shard_of(uint64_t hash) { return shards_[hash >> 58]; }

  typename Frozen::Chunks& own_chunks();
  Chunk& own_chunk(size_t number);
  void unshare(Slot& slot);

  // An object of versions that somebody holds is not live any more.
  void keep(const Item& item) { versions_->latest_bytes += sizeof(Item) + bytes_of(item.object) + made_bytes_of(item.object); }

  std::shared_ptr<Versions> versions_;
  Frozen live_;
  uint64_t version_ = 1;
  uint64_t copied_ = 0;
  std::array<Shard, shards> shards_;  // by the upper bits of the hash
};

}  // namespace aribus::state
