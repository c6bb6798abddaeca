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
  std::string server{};
  std::string app{};
  std::string type{};
};

// Reads a line without its end. Looks no further than it must: members of a record that come behind `type`
// are not read.
[[nodiscard]] Envelope read_envelope(std::string_view line);

}  // namespace aribus::nats
