#include "cli/paragraph.h"

#include "cli/terminal.h"

namespace aribus::cli {
namespace {

constexpr size_t hanging = 4;

bool is_blank(char c) {
  return c == ' ' || c == '\n';
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
  std::vector<Text> lines;
  size_t at = 0;
  for (const std::string& line : wrapped(plain, columns - hanging, indent)) {
    Text out(lines.empty() ? "" : std::string(hanging, ' '));
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
