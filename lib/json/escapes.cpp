#include "json/escapes.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace aribus {
namespace {

constexpr std::array<int8_t, 256> make_hex_digits() {
  std::array<int8_t, 256> digits{};
  digits.fill(-1);
  for (int i = 0; i < 10; ++i) digits[static_cast<size_t>('0' + i)] = static_cast<int8_t>(i);
  for (int i = 0; i < 6; ++i) {
    digits[static_cast<size_t>('a' + i)] = digits[static_cast<size_t>('A' + i)] = static_cast<int8_t>(10 + i);
  }
  return digits;
}
constexpr std::array<int8_t, 256> hex_digits = make_hex_digits();

constexpr uint32_t none = UINT32_MAX;

// The code unit of the four digits at `at`, or `none`. Reads no further than the first byte that is no digit.
uint32_t code_unit(const char* at) {
  uint32_t unit = 0;
  int all = 0;  // negative if one of them is
  for (int i = 0; i < 4 && all >= 0; ++i) {
    const int digit = hex_digits[static_cast<unsigned char>(at[i])];
    all |= digit;
    unit = unit << 4 | static_cast<uint32_t>(digit & 15);
  }
  return all < 0 ? none : unit;
}

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

const char* detail::behind_code_units(const char* at) {
  const uint32_t unit = code_unit(at + 2);
  if (unit == none || is_low(unit)) return nullptr;
  if (!is_high(unit)) return at + 6;
  if (at[6] != '\\' || at[7] != 'u') return nullptr;
  const uint32_t low = code_unit(at + 8);
  return low != none && is_low(low) ? at + 12 : nullptr;
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
