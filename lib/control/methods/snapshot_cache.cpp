#include "control/methods/snapshot_cache.h"

namespace aribus::control {
namespace {

constexpr size_t max_texts = 64;  // more are not shared

}  // namespace

std::shared_ptr<const std::string> SnapshotCache::get(const std::string& cursor, const Key& key,
                                                      const std::function<std::string()>& make) {
  if (cursor != cursor_) {
    cursor_ = cursor;
    texts_.clear();
  }
  const auto at = texts_.find(key);
  if (at != texts_.end()) {
    if (auto text = at->second.lock()) return text;
  }
  auto text = std::make_shared<const std::string>(make());
  if (texts_.size() >= max_texts)
    std::erase_if(texts_, [](const auto& entry) { return entry.second.expired(); });
  if (texts_.size() < max_texts) texts_[key] = text;
  return text;
}

}  // namespace aribus::control
