#include "cli/output.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/utf8.h"
#include "json/pretty.h"

namespace aribus::cli {
namespace {

// `text` with `escaped(code)` for each harmful character.
template <typename Escaped>
std::string without_harm(std::string_view text, Escaped escaped) {
  std::string out;
  out.reserve(text.size());
  const auto is_plain = [](char c) { return c >= ' ' && c < 0x7F; };
  while (!text.empty()) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_plain);
    out.append(text.begin(), end);
    text.remove_prefix(static_cast<size_t>(end - text.begin()));
    if (text.empty()) break;
    const std::string_view before = text;
    const char32_t code = take_character(text);
    if (code == no_character || is_harmful(code)) {
      out += escaped(code);
    } else {
      out += before.substr(0, before.size() - text.size());
    }
  }
  return out;
}

std::string unit(char32_t code) {
  char text[8];
  std::snprintf(text, sizeof text, "\\u%04x", static_cast<unsigned>(code & 0xFFFF));
  return text;
}

std::string_view code_of(Style style) {
  switch (style) {
    case Style::bold:
      return "\x1b[1m";
    case Style::red:
      return "\x1b[31m";
    case Style::green:
      return "\x1b[32m";
    case Style::yellow:
      return "\x1b[33m";
    case Style::grey:
      return "\x1b[90m";
    case Style::inverse:
      return "\x1b[7m";
    case Style::plain:
      break;
  }
  return {};
}

}  // namespace

std::string harmless(std::string_view text) {
  return without_harm(text, [](char32_t) { return "?"; });
}

std::string harmless_json(std::string_view json) {
  return without_harm(json, [](char32_t code) {
    if (code == no_character) return unit(0xFFFD);
    if (code <= 0xFFFF) return unit(code);
    return unit(0xD800 + ((code - 0x10000) >> 10)) + unit(0xDC00 + (code & 0x3FF));
  });
}

Text& Text::operator+=(const Text& more) {
  pieces_.insert(pieces_.end(), more.pieces_.begin(), more.pieces_.end());
  return *this;
}

bool Text::empty() const {
  for (const Piece& piece : pieces_) {
    if (!piece.text.empty()) return false;
  }
  return true;
}

std::string Text::printed(bool colour) const {
  std::string out;
  for (const Piece& piece : pieces_) {
    const bool styled = colour || piece.style == Style::inverse;
    const std::string_view code = styled ? code_of(piece.style) : std::string_view();
    out += code;
    out += harmless(piece.text);
    if (!code.empty()) out += "\x1b[0m";
  }
  return out;
}

bool Output::is_terminal() const {
  return ::isatty(::fileno(file_)) != 0;
}

bool Output::has_colour() const {
  const char* none = std::getenv("NO_COLOR");
  return is_terminal() && (none == nullptr || *none == '\0');
}

std::pair<size_t, size_t> Output::size() const {
  winsize size{};
  if (::ioctl(::fileno(file_), TIOCGWINSZ, &size) == 0 && size.ws_row > 3) return {size.ws_row, size.ws_col};
  return {100'000, 120};
}

std::pair<size_t, size_t> Output::screen_size() const {
  winsize size{};
  if (::ioctl(::fileno(file_), TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
    return {size.ws_row, size.ws_col};
  return {24, 80};
}

void Output::line(const Text& text) {
  clear();
  put(text.printed(has_colour()) + "\n");
}

void Output::lines(std::string_view text) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    line(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

void Output::fields(std::string_view first, std::string_view second) {
  clear();
  put(harmless(first) + (second.empty() ? "" : "\t" + harmless(second)) + "\n");
}

void Output::fields(const std::vector<std::string>& values) {
  clear();
  std::string line;
  for (size_t i = 0; i < values.size(); ++i) line += (i > 0 ? "\t" : "") + harmless(values[i]);
  put(line + "\n");
}

void Output::json(std::string_view text) {
  clear();
  put(harmless_json(text) + "\n");
}

void Output::json_document(const JsonValue& value) {
  if (!is_terminal()) return json(value);
  clear();
  std::string all;
  const std::string text = pretty(to_text(value));
  for (std::string_view rest = text; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    all += harmless_json(rest.substr(0, end)) + "\n";
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  put(all);
}

void Output::passing(const Text& text) {
  if (!is_terminal()) return;
  clear();
  put(text.printed(has_colour()));
  passing_ = true;
  flush();
}

void Output::open_screen() {
  put("\x1b[?1049h\x1b[?25l\x1b[?7l");  // another screen, without a cursor, and without wrapping
}

void Output::show(const std::vector<Text>& lines) {
  std::string all = "\x1b[H";
  // A line is erased before it is written: erasing what is behind one as wide as the screen would take its
  // last character.
  for (size_t i = 0; i < lines.size(); ++i) {
    all += (i > 0 ? "\n" : "") + std::string(i + 1 < lines.size() ? "\x1b[K" : "\x1b[J");
    all += lines[i].printed(has_colour());
  }
  put(all);
  flush();
}

void Output::close_screen() {
  put("\x1b[?7h\x1b[?25h\x1b[?1049l");
  flush();
}

bool Output::flush() {
  if (std::fflush(file_) != 0 && error_ == 0) error_ = errno;
  return error_ == 0;
}

void Output::put(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size() && error_ == 0) error_ = errno;
  if (is_terminal()) flush();
}

void Output::clear() {
  if (passing_) put("\r\x1b[K");
  passing_ = false;
}

Output& out() {
  static Output output(stdout);
  return output;
}

Output& err() {
  static Output output(stderr);
  return output;
}

size_t text_columns() {
  return std::min<size_t>(out().size().second, 100);
}

}  // namespace aribus::cli
