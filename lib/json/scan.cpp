#include "json/scan.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "json/escapes.h"
#include "json/json.h"

namespace aribus {
namespace {

// RFC 8259, section 6, and not too large for a double.
bool is_number(const std::string_view number) {
  std::string_view text = number;
  const auto digits = [&] {
    size_t count = 0;
    while (count < text.size() && text[count] >= '0' && text[count] <= '9') ++count;
    text.remove_prefix(count);
    return count > 0;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.starts_with('0')) {
    text.remove_prefix(1);
  } else if (!digits()) {
    return false;
  }
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!digits()) return false;
  }
  constexpr size_t few = 200;  // digits, which fit without an exponent
  if (text.empty() && number.size() <= few) return true;
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (!digits()) return false;
  }
  return text.empty() && fits_double(number);
}

std::optional<JsonKind> scalar_kind(std::string_view text) {
  if (text == "true" || text == "false") return JsonKind::boolean;
  if (text == "null") return JsonKind::null;
  if (is_number(text)) return JsonKind::number;
  return {};
}

}  // namespace

std::string_view kind_name(JsonKind kind) {
  static constexpr std::string_view names[] = {"object", "array", "string", "number", "boolean", "null"};
  return names[static_cast<size_t>(kind)];
}

const char* escaped_string_end(const char* at) {
  uint64_t special = special_bits_of_32(at);
  for (;;) {
    while (special == 0) special = special_bits_of_32(at += 32);
    const char* const found = at + std::countr_zero(special);
    if (*found != '\\') return *found == '"' ? found : nullptr;
    const char* const behind = behind_escape(found);
    if (behind == nullptr) return nullptr;
    const auto place = behind - at;  // less than 64
    special = special >> place << place;
    if (place >= 32) special = special_bits_of_32(at = behind);
  }
}

const char* scalar_end(const char* in, JsonKind& kind) {
  const auto is_end = [](char c) { return c == ',' || c == '}' || c == ']' || c == 0 || is_json_space(c); };
  const char* const begin = in;
  if (*in == '-') ++in;
  const char* const digits = in;
  while (*in >= '0' && *in <= '9') ++in;
  const auto count = in - digits;
  kind = JsonKind::number;
  if (count > 0 && count < 20 && (count == 1 || *digits != '0') && is_end(*in)) return in;
  while (!is_end(*in)) ++in;
  const auto found = scalar_kind({begin, static_cast<size_t>(in - begin)});
  if (!found) return nullptr;
  kind = *found;
  return in;
}

}  // namespace aribus
