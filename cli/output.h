// All that the tool prints goes through here, so that no terminal obeys what comes from elsewhere: names of
// callers, Asterisk's and the daemon's texts, files. No other file of cli writes to standard output or
// standard error.
#pragma once

#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/json.h"

namespace aribus::cli {

// `text` with '?' for each character that a terminal obeys, or that hides text or turns it around, and for
// each byte that is not UTF-8. These are: C0, DEL and C1; bidirectional controls; zero-width characters,
// U+FEFF and tags; the line separators U+2028 and U+2029.
[[nodiscard]] std::string harmless(std::string_view text);
// The JSON text `json` with the same characters as \uXXXX: the same JSON.
[[nodiscard]] std::string harmless_json(std::string_view json);

enum class Style { plain, bold, red, green, yellow, grey, inverse };

// A text for people, in pieces, each in a style. Whatever it is made of, Output makes it harmless.
class Text {
 public:
  Text() = default;
  Text(const char* text) : Text(std::string_view(text)) {}
  Text(const std::string& text) : Text(std::string_view(text)) {}
  Text(std::string_view text, Style style = Style::plain) : pieces_{{std::string(text), style}} {}

  Text& operator+=(const Text& more);
  friend Text operator+(Text left, const Text& right) { return left += right, left; }

  [[nodiscard]] bool empty() const;
  // As it is printed, with or without colours. Style::inverse is there in any case: it shows a choice.
  [[nodiscard]] std::string printed(bool colour) const;

  struct Piece {
    std::string text;
    Style style;
  };
  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }

 private:
  std::vector<Piece> pieces_;
};

// Standard output or standard error. Where it is no terminal, what it prints is buffered until flush(), or
// the end of the process.
class Output {
 public:
  explicit Output(std::FILE* file) : file_(file) {}

  [[nodiscard]] bool is_terminal() const;
  // A terminal where $NO_COLOR is not set (https://no-color.org).
  [[nodiscard]] bool has_colour() const;
  // Rows and columns; many rows of 120 columns where there is no screen.
  [[nodiscard]] std::pair<size_t, size_t> size() const;
  // Of a screen; 24 rows of 80 columns where the terminal does not say.
  [[nodiscard]] std::pair<size_t, size_t> screen_size() const;

  // One line.
  void line(const Text& text);
  // As many lines as the text has: for texts whose ends of lines mean something, such as a command's help.
  // Text from elsewhere in it could look like a line of the tool.
  void lines(std::string_view text);
  // One line for programs: two fields, with a tab between them. An empty second one is left out.
  void fields(std::string_view first, std::string_view second);
  // Likewise, any number of fields; empty ones are there.
  void fields(const std::vector<std::string>& values);
  // A JSON text, in one line.
  void json(std::string_view text);
  void json(const JsonValue& value) { json(to_text(value)); }

  // Likewise; on a terminal in several lines, indented.
  void json_document(const JsonValue& value);

  // On a terminal: shown until something else is printed. Elsewhere: nothing.
  void passing(const Text& text);
  // On a terminal: a screen of its own, drawn again with each call, until close_screen(). A line that is
  // longer than the screen is cut there, and no line goes on in the next.
  void open_screen();
  void show(const std::vector<Text>& lines);
  void close_screen();

  // False when the reader has closed the pipe.
  bool flush();
  // The errno of a failed write; 0 when there was none, or when the reader has closed the pipe.
  [[nodiscard]] int error() const { return error_ == EPIPE ? 0 : error_; }

 private:
  void put(std::string_view text);
  void clear();

  std::FILE* file_;
  int error_ = 0;
  bool passing_ = false;
};

[[nodiscard]] Output& out();
[[nodiscard]] Output& err();

// Width of readable texts: that of the terminal, at most 100 columns, as long lines are hard to read.
[[nodiscard]] size_t text_columns();

}  // namespace aribus::cli
