// Makes a record of an event of ARI.
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

// Of an event's type: the longest of ARI's has 24. An event with a longer one becomes Malformed.
inline constexpr size_t max_type_bytes = 256;

// Reads events, one at a time. Its shape cache makes it faster, and changes nothing else.
class EventReader {
 public:
  // `now` gives the time of events that have none.
  explicit EventReader(std::function<WallTime()> now = wall_now) : now_(std::move(now)) {}

  // Reads one message of the event stream of `server` into `record`, whose memory is reused. Every message
  // becomes a record: of type Malformed if the text is no event, with `"known":false` if ARI does not declare
  // its type, with `"invalid"` if its fields are not as ARI declares them. `total_bytes` is the message's
  // size before it was truncated.
  void read(std::string_view text, size_t total_bytes, std::string_view server, Record& record);
  // The shapes of the events that it has read.
  [[nodiscard]] ShapeCache& shape_cache() { return shape_cache_; }

 private:
  enum class Learning : uint8_t { no, if_wanted, now };
  // Reads the event on the tape, if its type is `type`, a JSON string, and ARI declares that. Returns false
  // otherwise, or if it is no JSON without white space; the content of `record` is then unspecified.
  bool read_declared(std::string_view type, Record& record, Learning learning);
  void read_undeclared(JsonView event, std::string_view type, Record& record);

  std::function<WallTime()> now_;
  JsonTape tape_;
  ShapeCache shape_cache_;
};

}  // namespace aribus::record
