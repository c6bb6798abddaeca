// Splits input into lines.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace aribus::session {

// Assembles lines from pieces of any size. Holds at most one unfinished line of `max_line_bytes()`.
class LineReader {
 public:
  struct Handlers {
    // A line without its end ("\n" or "\r\n"); empty lines are skipped.
    std::function<void(std::string_view)> line;
    // A line is too long and skipped up to its end. Called once for each, with the bytes received so far.
    std::function<void(std::string_view beginning)> too_long;
  };

  LineReader(std::function<size_t()> max_line_bytes, Handlers handlers)
      : max_line_bytes_(std::move(max_line_bytes)), handlers_(std::move(handlers)) {}

  // Of an unfinished line.
  [[nodiscard]] size_t held_bytes() const { return partial_.size(); }

  // Takes `bytes` up to the end of their first line, or all of them. Returns how many it took.
  size_t feed(std::string_view bytes);

 private:
  void emit(std::string_view line);

  std::function<size_t()> max_line_bytes_;
  Handlers handlers_;
  std::string partial_;
  bool skipping_ = false;
};

}  // namespace aribus::session
