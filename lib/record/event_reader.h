// An event of ARI becomes a record.
#pragma once

#include <functional>
#include <string_view>
#include <utility>

#include "json/json_tape.h"
#include "record/record.h"
#include "record/shape_cache.h"

namespace aribus::record {

// A message that is no event is kept in its record up to this size.
inline constexpr size_t max_malformed_bytes = 4096;

// Of an event's type: the longest of ARI's has 24. An event with a longer one is Malformed.
inline constexpr size_t max_type_bytes = 256;

// Reads events. What it knows of their shapes makes it faster, and changes nothing else.
class EventReader {
 public:
  // `now` gives the time of what bears none.
  explicit EventReader(std::function<WallTime()> now = wall_now) : now_(std::move(now)) {}

  // Reads one message of the event stream of `server`, which has just come, into `record`, whose memory is
  // used again. It always becomes a record: of type Malformed when the text is no event at all, with
  // `"known":false` when ARI declares no such type, with `"invalid"` when its fields are not what ARI
  // declares. `total_bytes` is the message's size before it was cut.
  void read(std::string_view text, size_t total_bytes, std::string_view server, Record& record);
  // What it knows.
  [[nodiscard]] ShapeCache& shape_cache() { return shape_cache_; }

 private:
  void take_apart(std::string_view text, JsonView event, std::string_view type, Record& record);

  std::function<WallTime()> now_;
  JsonTape tape_;
  ShapeCache shape_cache_;
};

}  // namespace aribus::record
