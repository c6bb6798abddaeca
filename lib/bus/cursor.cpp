#include "bus/cursor.h"

#include "base/numbers.h"

namespace aribus::bus {

std::optional<Cursor> Cursor::parse(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos) return {};
  Cursor cursor{std::string(text.substr(0, colon)), 0};
  const auto seq = whole_number<uint64_t>(text.substr(colon + 1));
  if (!seq) return {};
  cursor.seq = *seq;
  return cursor;
}

}  // namespace aribus::bus
