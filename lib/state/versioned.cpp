#include "state/versioned.h"

#include <algorithm>
#include <iterator>

#include "state/calls.h"
#include "state/objects.h"

namespace aribus::state {
namespace {

constexpr size_t chunk_size = 64;  // most objects of a chunk

}  // namespace

template <typename Object>
size_t FrozenMap<Object>::chunk_of(std::string_view id) const {
  const auto behind = std::ranges::upper_bound(
      *chunks_, id, {}, [](const auto& chunk) -> std::string_view { return chunk->items.front()->id; });
  return behind == chunks_->begin() ? 0 : static_cast<size_t>(behind - chunks_->begin() - 1);
}

template <typename Object>
size_t FrozenMap<Object>::place_in(const Chunk& chunk, std::string_view id) {
  const auto at = std::ranges::lower_bound(chunk.items, id, {},
                                           [](const auto& item) -> std::string_view { return item->id; });
  return static_cast<size_t>(at - chunk.items.begin());
}

template <typename Object>
const Object* FrozenMap<Object>::find(std::string_view id) const {
  if (chunks_->empty()) return nullptr;
  const Chunk& chunk = *(*chunks_)[chunk_of(id)];
  const size_t place = place_in(chunk, id);
  return place < chunk.items.size() && chunk.items[place]->id == id ? &chunk.items[place]->object : nullptr;
}

template <typename Object>
const Object* FrozenMap<Object>::find(std::string_view id, std::optional<Iterator>& near) const {
  constexpr size_t steps = 4;
  if (near) {
    for (size_t i = 0; i < steps && *near != end(); ++i, ++*near) {
      if ((**near).id == id) return &(**near).object;
    }
  }
  near = from(id);
  return *near != end() && (**near).id == id ? &(**near).object : nullptr;
}

template <typename Object>
typename FrozenMap<Object>::Iterator FrozenMap<Object>::from(std::string_view id) const {
  if (chunks_->empty()) return end();
  const size_t number = chunk_of(id);
  const size_t place = place_in(*(*chunks_)[number], id);
  const bool is_next = place == (*chunks_)[number]->items.size();
  return {chunks_.get(), is_next ? number + 1 : number, is_next ? 0 : place};
}

// Whoever holds the chunks of a version holds them alone from now on.
template <typename Object>
typename FrozenMap<Object>::Chunks& VersionedMap<Object>::own_chunks() {
  if (live_.chunks_.use_count() > 1)
    live_.chunks_ = std::make_shared<typename Frozen::Chunks>(*live_.chunks_);
  return *live_.chunks_;
}

template <typename Object>
typename VersionedMap<Object>::Chunk& VersionedMap<Object>::own_chunk(size_t number) {
  std::shared_ptr<Chunk>& chunk = own_chunks()[number];
  if (chunk.use_count() > 1) chunk = std::make_shared<Chunk>(*chunk);
  return *chunk;
}

template <typename Object>
void VersionedMap<Object>::unshare(Slot& slot) {
  Chunk& chunk = own_chunk(live_.chunk_of(slot->id));
  std::shared_ptr<Item>& item = chunk.items[Frozen::place_in(chunk, slot->id)];
  if (item.use_count() > 1) {
    keep(*item);
    item = std::make_shared<Item>(*item);
    ++copied_;
    slot = item.get();
  }
  item->version = version_;
}

template <typename Object>
typename VersionedMap<Object>::Slot& VersionedMap<Object>::add(const HashedText& id) {
  auto item = std::make_shared<Item>(id, version_);
  const auto at = shard_of(item->hash).insert({item.get()}).first;
  auto& chunks = own_chunks();
  ++live_.size_;
  if (chunks.empty()) chunks.push_back(std::make_shared<Chunk>());
  size_t number = chunks.size() == 1 && chunks.front()->items.empty() ? 0 : live_.chunk_of(id.text);
  size_t place = Frozen::place_in(*chunks[number], id.text);
  if (chunks[number]->items.size() == chunk_size) {
    const bool is_last = number + 1 == chunks.size() && place == chunk_size;
    Chunk& full = own_chunk(number);
    auto rest = std::make_shared<Chunk>();
    rest->items.reserve(chunk_size);
    if (!is_last) {  // ids often ascend: then chunks become full
      const auto middle = full.items.begin() + chunk_size / 2;
      std::move(middle, full.items.end(), std::back_inserter(rest->items));
      full.items.erase(middle, full.items.end());
    }
    chunks.insert(chunks.begin() + static_cast<ptrdiff_t>(number) + 1, std::move(rest));
    if (place > full.items.size() || is_last) {
      place -= full.items.size();
      ++number;
    }
  }
  auto& items = own_chunk(number).items;
  items.insert(items.begin() + static_cast<ptrdiff_t>(place), std::move(item));
  return at->item;
}

template <typename Object>
void VersionedMap<Object>::erase(std::string_view id) {
  const size_t number = live_.chunk_of(id);
  auto& items = own_chunk(number).items;
  const auto at = items.begin() + static_cast<ptrdiff_t>(Frozen::place_in(*(*live_.chunks_)[number], id));
  if (at->use_count() > 1) keep(**at);
  Shard& shard = shard_of((*at)->hash);
  shard.erase(shard.find(HashedText(id, (*at)->hash)));
  live_.text_bytes_ -= bytes_of((*at)->object);
  --live_.size_;
  items.erase(at);  // `id` may be of it
  auto& chunks = *live_.chunks_;
  if (items.empty()) {
    chunks.erase(chunks.begin() + static_cast<ptrdiff_t>(number));
  } else if (number + 1 < chunks.size() &&
             items.size() + chunks[number + 1]->items.size() <= chunk_size / 2) {
    std::ranges::copy(chunks[number + 1]->items, std::back_inserter(items));
    chunks.erase(chunks.begin() + static_cast<ptrdiff_t>(number) + 1);
  }
}

template class FrozenMap<Object>;
template class VersionedMap<Object>;
template class FrozenMap<Call>;
template class VersionedMap<Call>;

}  // namespace aribus::state
