// Which Asterisk an id was last known on.
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

// Learns from the records where channels, bridges, playbacks and recordings were last. What lives where, the
// models know (Model); this is for what they do not know yet, or any more. Bounded: of more than `max_ids`,
// or of ids with more than `max_bytes` together, the longest known are forgotten.
class IdDirectory {
 public:
  explicit IdDirectory(size_t max_ids = 100'000, size_t max_bytes = 8 << 20)
      : max_ids_(max_ids), max_bytes_(max_bytes) {}

  void learn(const record::Record& record);
  // The server is gone: so is what is known to live on it.
  void forget(std::string_view server);

  // The server that `id` was last known to live on; nothing when it is unknown.
  [[nodiscard]] std::optional<std::string> find(record::IdKind kind, std::string_view id) const;
  [[nodiscard]] size_t size() const { return places_.size(); }

 private:
  void learn(record::IdKind kind, std::string_view id, std::string_view server, bool past);
  static std::string key(record::IdKind kind, std::string_view id);

  size_t max_ids_;
  size_t max_bytes_;
  size_t bytes_ = 0;
  // Servers, by key().
  std::unordered_map<std::string, std::string, TextHash, std::equal_to<>> places_;
  std::deque<std::string> oldest_;
};

}  // namespace aribus::state
