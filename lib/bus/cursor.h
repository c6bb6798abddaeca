// A place in the stream that survives its connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace aribus::bus {

// "Everything up to and including `seq` of the stream `stream` has been seen"; on the wire "<stream>:<seq>".
struct Cursor {
  std::string stream;
  uint64_t seq = 0;

  [[nodiscard]] std::string text() const { return stream + ":" + std::to_string(seq); }
  // Nothing when `text` is no cursor.
  [[nodiscard]] static std::optional<Cursor> parse(std::string_view text);
};

}  // namespace aribus::bus
