// The screen of `aribus calls`: which rows it shows, and the effect of keys. It does no input or output.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/call_rows.h"
#include "cli/keys.h"
#include "cli/output.h"

namespace aribus::cli {

class CallsScreen {
 public:
  CallsScreen(CallFilter filter, CallOrder order) : filter_(std::move(filter)), order_(order) {}

  // All calls that there are. The chosen one stays the chosen one, wherever it is now. `trouble`: why they
  // may be old, or "".
  void show(std::vector<CallRow> all, std::string trouble = {});
  // There is no connection to aribusd: the table is not up to date.
  void disconnected(WallTime since, std::string reason);
  void connected() { lost_.reset(); }

  // False when the key asks for the end.
  [[nodiscard]] bool press(const Key& key);
  // At most `rows` lines, each exactly `columns` cells wide.
  [[nodiscard]] std::vector<Text> lines(WallTime now, size_t rows, size_t columns);

 private:
  struct Lost {
    WallTime since;
    std::string reason;
  };

  void choose_rows();
  void move_to(size_t row);
  bool press_in_search(const Key& key);
  [[nodiscard]] std::string header(WallTime now) const;
  [[nodiscard]] std::string footer() const;
  // Two lines about the chosen row: its ids, and values for which the columns may have no room.
  [[nodiscard]] std::vector<std::string> details() const;

  CallFilter filter_;
  CallOrder order_;
  std::vector<CallRow> all_, shown_;
  std::string trouble_;
  std::optional<Lost> lost_;
  size_t chosen_ = 0;  // of shown_
  size_t top_ = 0;     // the first of shown_ on the screen
  size_t page_ = 1;    // how many of them the screen has room for
  bool searching_ = false;
  std::string search_before_;  // restored by Escape
  bool helping_ = false;
};

}  // namespace aribus::cli
