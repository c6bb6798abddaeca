#include "bus/cursor.h"

#include <charconv>

namespace aribus::bus {

std::optional<Cursor> Cursor::parse(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos) return {};
  Cursor cursor{std::string(text.substr(0, colon)), 0};
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data() + colon + 1, end, cursor.seq);
  if (error != std::errc() || at != end) return {};
  return cursor;
}

}  // namespace aribus::bus
