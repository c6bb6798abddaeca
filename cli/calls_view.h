// The lines of `aribus calls` as a table for people, in the columns that a terminal has room for.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/call_rows.h"
#include "cli/output.h"

namespace aribus::cli {

// "0:08", "12:05" or "3:12:44".
[[nodiscard]] std::string clock_text(WallTime from, WallTime to);

// Which columns fit into so many cells, and how wide they are; made for the lines that it will show.
class CallColumns {
 public:
  // Columns that don't fit are left out, the least important first. With `keep_ids` the ids of channels are
  // more important than all but who it is: where nothing else shows them.
  CallColumns(std::span<const CallLine> lines, WallTime now, size_t columns, bool keep_ids);

  // Both are exactly as wide as the terminal.
  [[nodiscard]] Text names() const;
  [[nodiscard]] Text line(const CallLine& line, WallTime now, bool is_chosen) const;

 private:
  struct Shown {
    size_t column;  // its place among all
    size_t width;
  };
  size_t columns_;
  std::vector<Shown> shown_;
};

}  // namespace aribus::cli
