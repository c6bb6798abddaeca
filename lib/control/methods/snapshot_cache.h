// Snapshots of the live objects, as texts that are shared.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace aribus::control {

// Caches texts while somebody holds them, so that everybody who asks for the same at the same cursor shares
// one text: it is made once and is in memory once. Owned by the dispatcher, on the loop's thread.
class SnapshotCache {
 public:
  using Key = std::vector<std::vector<std::string>>;  // what is asked for, and by which rule it is limited

  // The text for `key`, made by `make` if nobody holds it. `cursor` is the end of the record stream: the live
  // objects do not change between two records.
  [[nodiscard]] std::shared_ptr<const std::string> get(const std::string& cursor, const Key& key,
                                                       const std::function<std::string()>& make);

 private:
  std::string cursor_;  // of texts_
  std::map<Key, std::weak_ptr<const std::string>> texts_;
};

}  // namespace aribus::control
