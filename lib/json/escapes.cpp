#include "json/escapes.h"

#include <algorithm>

namespace aribus {
namespace {

using detail::code_unit;

bool is_high(uint32_t unit) {
  return unit >= 0xD800 && unit < 0xDC00;
}
bool is_low(uint32_t unit) {
  return unit >= 0xDC00 && unit < 0xE000;
}

void append_utf8(std::string& out, uint32_t code) {
  const auto byte = [&](uint32_t bits) { out += static_cast<char>(bits); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | code >> 6);
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3F));
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
}

}  // namespace

const char* detail::behind_pair(const char* at) {
  const bool is_pair =
      is_high(code_unit(at + 2)) && at[6] == '\\' && at[7] == 'u' && is_low(code_unit(at + 8));
  return is_pair ? at + 12 : nullptr;
}

void append_decoded(std::string& out, std::string_view raw) {
  while (!raw.empty()) {
    const size_t plain = std::min(raw.find('\\'), raw.size());
    out.append(raw.substr(0, plain));
    raw.remove_prefix(plain);
    if (raw.empty()) break;
    const char meaning = detail::escape_meanings[static_cast<unsigned char>(raw[1])];
    if (meaning != 'u') {
      out += meaning;
      raw.remove_prefix(2);
      continue;
    }
    uint32_t code = code_unit(raw.data() + 2);
    raw.remove_prefix(6);
    if (is_high(code)) {
      code = 0x10000 + ((code - 0xD800) << 10) + (code_unit(raw.data() + 2) - 0xDC00);
      raw.remove_prefix(6);
    }
    append_utf8(out, code);
  }
}

}  // namespace aribus
