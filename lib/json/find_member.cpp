#include "json/find_member.h"

#include <cstdint>

#include "json/escapes.h"

namespace aribus {

const char* behind_long_string(const char* at, const char* end) {
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

const char* behind_value(const char* at, const char* end) {
  if (at < end && *at == '"') return behind_string(at + 1, end);
  int depth = 0;
  for (; at < end; ++at) {
    switch (*at) {
      case '"':
        at = behind_string(at + 1, end) - 1;
        break;
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        if (depth == 0) return at;
        if (--depth == 0) return at + 1;
        break;
      case ',':
        if (depth == 0) return at;
        break;
      default:
        break;
    }
  }
  return at;
}

std::string_view find_member(std::string_view text, std::string_view name) {
  std::string_view found;
  each_member_of(text, [&](std::string_view one, std::string_view value) {
    if (one == name) found = value;
    return one != name;
  });
  return found;
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

std::string_view string_of(std::string_view json, std::string& buffer) {
  if (json.size() < 2 || json.front() != '"') return {};
  const std::string_view inside = json.substr(1, json.size() - 2);
  if (inside.find('\\') == std::string_view::npos) return inside;
  buffer.clear();
  append_decoded(buffer, inside);
  return buffer;
}

std::string string_of(std::string_view json) {
  std::string buffer;
  const std::string_view string = string_of(json, buffer);
  return string.data() == buffer.data() ? buffer : std::string(string);
}

std::string_view find_string_member(std::string_view text, std::string_view name, std::string& buffer) {
  return string_of(find_member(text, name), buffer);
}

}  // namespace aribus
