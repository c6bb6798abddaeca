#include "cli/paragraph.h"

#include <algorithm>
#include <cstddef>

#include "cli/terminal.h"

namespace aribus::cli {
namespace {

constexpr size_t hanging = 4;

bool is_blank(char c) {
  return c == ' ' || c == '\n';
}

// The rest of `text` after the first `count` bytes of its words.
std::string_view behind(std::string_view text, std::ptrdiff_t count) {
  while (count > 0) {
    if (!is_blank(text.front())) --count;
    text.remove_prefix(1);
  }
  return text;
}

}  // namespace

std::vector<Text> paragraph(const Text& text, size_t columns, size_t indent) {
  // The words are broken into lines as a plain text; then each byte of them gets its style again.
  std::string plain;
  std::vector<Style> styles;
  for (const Text::Piece& piece : text.pieces()) {
    for (const char c : piece.text) {
      plain += c;
      if (!is_blank(c)) styles.push_back(piece.style);
    }
  }
  std::vector<std::string> broken = wrapped(plain, columns, indent);
  if (broken.size() > 1) {
    const auto words = std::ranges::count_if(broken.front(), [](char c) { return !is_blank(c); });
    broken.resize(1);
    for (std::string& line : wrapped(behind(plain, words), columns, indent + hanging))
      broken.push_back(std::move(line));
  }
  std::vector<Text> lines;
  size_t at = 0;
  for (const std::string& line : broken) {
    Text out;
    std::string run;
    Style style = Style::plain;
    for (const char c : line) {
      const Style next = is_blank(c) ? style : styles[at++];
      if (next != style) {
        out += Text(run, style);
        run.clear();
      }
      style = next;
      run += c;
    }
    lines.push_back(out + Text(run, style));
  }
  return lines;
}

}  // namespace aribus::cli
