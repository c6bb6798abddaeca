// One line of the daemon's, as far as the bridge has to know it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace aribus::nats {

struct Envelope {
  enum class Kind { record, lost, other };

  Kind kind = Kind::other;
  std::string_view text;  // a record's or a `lost`'s JSON object, within the line
  uint64_t seq = 0;       // a record's; the last one that is lost
  uint64_t from = 0;      // the first one that is lost
  std::string server{};
  std::string app{};
  std::string type{};
};

// Reads a line without its end. Looks no further than it must: members of a record that come behind `type`
// are not read.
[[nodiscard]] Envelope read_envelope(std::string_view line);

// What takes the place of a record `text` that is larger than a message may be: its envelope, with
// "truncated":true and "bytes", how many it had. Where it has so many ids that this is over `max_bytes`,
// without them. "": `text` can't be read.
[[nodiscard]] std::string truncated(std::string_view text, size_t max_bytes);

}  // namespace aribus::nats
