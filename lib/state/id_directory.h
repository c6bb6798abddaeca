// Finds the Asterisk of an id.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/hash.h"
#include "record/record.h"

namespace aribus::state {

// Learns from the records on which server a channel, bridge, playback or recording was last reported. The
// models (Model) know the live objects; this class answers for ids that they do not know yet or no longer
// know. Bounded: beyond `max_ids` ids, or `max_bytes` bytes of ids, the oldest entries are dropped. Used on
// the loop's thread only.
class IdDirectory {
 public:
  explicit IdDirectory(size_t max_ids = 100'000, size_t max_bytes = 8 << 20)
      : max_ids_(max_ids), max_bytes_(max_bytes) {}

  void learn(const record::Record& record);
  
  // Drops all ids of a server that was removed.
  void forget(std::string_view server);

  // The server that `id` was last reported on; nothing if unknown.
  [[nodiscard]] std::optional<std::string> find(record::IdKind kind, std::string_view id) const;
  [[nodiscard]] size_t size() const { return places_.size(); }

 private:
  void learn(record::IdKind kind, std::string_view id, std::string_view server, bool past);
  static std::string key(record::IdKind kind, std::string_view id);

  size_t max_ids_;
  size_t max_bytes_;
  size_t bytes_ = 0;
  // By key(): the server's name.
  std::unordered_map<std::string, std::string, TextHash, std::equal_to<>> places_;
  std::deque<std::string> oldest_;
};

}  // namespace aribus::state
