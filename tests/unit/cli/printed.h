// What the tool prints for people, as a text; how wide it is.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "cli/output.h"

namespace aribus::test {

inline std::string printed(const std::vector<cli::Text>& lines) {
  std::string out;
  for (const cli::Text& line : lines) out += line.printed(false) + "\n";
  return out;
}

// In characters.
inline size_t longest_line(const std::string& text) {
  size_t longest = 0, characters = 0;
  for (const char c : text) {
    if ((c & 0xC0) != 0x80) ++characters;
    if (c == '\n') characters = 0;
    longest = std::max(longest, characters);
  }
  return longest;
}

}  // namespace aribus::test
