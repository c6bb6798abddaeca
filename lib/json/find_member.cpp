#include "json/find_member.h"

#include <bit>
#include <cstdint>

#include "json/escapes.h"
#include "json/simd.h"

namespace aribus {
namespace {

// Behind the closing quote of the string whose inside begins at `at`.
const char* behind_string(const char* at, const char* end) {
  for (;;) {
    if (end - at >= 16) {
      const unsigned special = Block16::load(at).special_bits();
      at += special == 0 ? 16 : std::countr_zero(special);
      if (special == 0) continue;
    } else if (at == end) {
      return end;
    }
    if (*at == '"') return at + 1;
    at += *at == '\\' && end - at > 1 ? 2 : 1;
  }
}

}  // namespace

const char* behind_value(const char* at, const char* end) {
  int depth = 0;
  while (at < end) {
    const char c = *at;
    if (c == '"') {
      at = behind_string(at + 1, end);
      if (depth == 0) return at;
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (depth == 0 && (c == ',' || c == '}' || c == ']')) return at;
    ++at;
    if ((c == '}' || c == ']') && --depth == 0) return at;
  }
  return at;
}

std::string_view find_member(std::string_view text, std::string_view name) {
  if (!text.starts_with('{')) return {};
  const char* const end = text.data() + text.size();
  const char* at = text.data() + 1;
  while (at < end && *at == '"') {
    const char* const name_end = behind_string(at + 1, end);
    if (name_end == end) return {};
    const std::string_view found(at + 1, static_cast<size_t>(name_end - at) - 2);
    const char* const value = name_end + 1;
    at = behind_value(value, end);
    if (found == name) return {value, static_cast<size_t>(at - value)};
    if (at < end) ++at;  // a comma
  }
  return {};
}

const char* find_text(std::string_view text, std::string_view sought, size_t rare) {
  const auto all = [&](size_t at) {
    const uint64_t eight = 0x0101010101010101U * static_cast<unsigned char>(sought[at]);
    return Block16::make(eight, eight);
  };
  const Block16 first = all(rare), second = all(rare + 1);
  // The rare bytes of a match are at `from` or behind it.
  const size_t behind_rare = sought.size() - rare;
  size_t from = rare;
  for (; from + 16 + behind_rare <= text.size(); from += 16) {
    const char* const block = text.data() + from;
    unsigned bits = Block16::load(block).same_bits(first) & Block16::load(block + 1).same_bits(second);
    for (; bits != 0; bits &= bits - 1) {
      const char* const begin = block + std::countr_zero(bits) - rare;
      if (std::string_view(begin, sought.size()) == sought) return begin;
    }
  }
  if (from - rare >= text.size()) return nullptr;
  const size_t found = text.find(sought, from - rare);
  return found == std::string_view::npos ? nullptr : text.data() + found;
}

std::string_view find_string_member(std::string_view text, std::string_view name, std::string& buffer) {
  const std::string_view value = find_member(text, name);
  if (value.size() < 2 || value.front() != '"') return {};
  const std::string_view inside = value.substr(1, value.size() - 2);
  if (inside.find('\\') == std::string_view::npos) return inside;
  buffer.clear();
  append_decoded(buffer, inside);
  return buffer;
}

}  // namespace aribus
