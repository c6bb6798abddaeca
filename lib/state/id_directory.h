// Finds the Asterisk of an id.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/sharded_map.h"
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

  // Nothing from a `server.resynced`: it lists live objects, which the model of its server knows.
  void learn(const record::Record& record);
  // Drops all ids of a server that was removed: they count as unknown at once, and their memory is given back as new
  // ids come.
  void forget(std::string_view server);

  // The server that `id` was last reported on; nothing if unknown.
  [[nodiscard]] std::optional<std::string> find(record::IdKind kind, std::string_view id) const;
  // Number of ids that it knows.
  [[nodiscard]] size_t size() const;

 private:
  void learn(record::IdKind kind, std::string_view id, uint32_t server, bool past);
  [[nodiscard]] uint32_t number_of(std::string_view server);
  void count(uint32_t server, size_t more);
  static std::string key(record::IdKind kind, std::string_view id);

  size_t max_ids_;
  size_t max_bytes_;
  size_t bytes_ = 0;
  // By key(): the number of the server. A server that is added again has another one.
  ShardedMap<uint32_t> places_;
  struct Server {
    std::string name;
    size_t ids = 0;
  };
  std::map<uint32_t, Server> servers_;  // those that were not removed, by number
  uint32_t last_number_ = 0;
  std::deque<std::string> oldest_;
};

}  // namespace aribus::state
