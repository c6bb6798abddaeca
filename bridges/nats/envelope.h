// The parts of a line from the daemon that the bridge needs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace aribus::nats {

struct Envelope {
  enum class Kind { record, lost, other };

  Kind kind = Kind::other;
  std::string_view text;  // the JSON object of the record or `lost`, within the line
  uint64_t seq = 0;       // of the record, or of the last lost one
  uint64_t from = 0;      // of the first lost record
  std::string server{};
  std::string app{};
  std::string type{};
};

// Reads a line without its newline. Reads no further than needed: members of a record after `type` are not
// parsed.
[[nodiscard]] Envelope read_envelope(std::string_view line);

// The replacement for a record `text` that is larger than a message may be: its envelope, with
// "truncated":true and "bytes", its original size. Without the ids if they would exceed `max_bytes`.
// "": `text` can't be parsed.
[[nodiscard]] std::string truncated(std::string_view text, size_t max_bytes);

}  // namespace aribus::nats
