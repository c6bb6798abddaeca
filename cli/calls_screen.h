// The screen of `aribus calls`: which lines it shows, and the effect of keys. It does no input or output.
#pragma once

#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "cli/call_rows.h"
#include "cli/keys.h"
#include "cli/output.h"

namespace aribus::cli {

class CallsScreen {
 public:
  CallsScreen(CallFilter filter, CallOrder order) : filter_(std::move(filter)), order_(order) {}
  // Its lines point into its calls.
  CallsScreen(CallsScreen&&) = default;
  CallsScreen& operator=(CallsScreen&&) = default;

  // All calls that there are. What is chosen stays chosen, wherever it is now. `trouble`: why they may be
  // old, or "".
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
  // What a line is about, when there are other lines.
  struct Chosen {
    std::string server;
    std::string call;     // "": none
    std::string channel;  // "": the call itself
  };

  [[nodiscard]] static Chosen about(const CallLine& line);
  [[nodiscard]] bool is_open(const CallRow& call) const { return all_open_ != others_.contains(call.id); }
  // Finds the lines for the calls, the filter and the order as they are now.
  void find_lines();
  // Likewise, where only other calls are open.
  void find_open();
  void choose(const Chosen& chosen);
  void move_to(size_t line);
  void open_or_close();
  bool press_in_search(const Key& key);
  [[nodiscard]] std::string header(WallTime now) const;
  [[nodiscard]] std::string footer() const;
  // Two lines about the chosen one: its ids, and values for which the columns may have no room.
  [[nodiscard]] std::vector<std::string> details() const;

  CallFilter filter_;
  CallOrder order_;
  std::vector<CallRow> all_;
  std::vector<CallLine> calls_;  // those of all_ that match, in order
  std::vector<CallLine> lines_;  // likewise, with the legs of open calls
  bool all_open_ = false;
  std::unordered_set<std::string> others_;  // ids of calls that are open where others are not, or the reverse
  std::string trouble_;
  std::optional<Lost> lost_;
  size_t chosen_ = 0;  // of lines_
  size_t top_ = 0;     // the first of lines_ on the screen
  size_t page_ = 1;    // how many of them the screen has room for
  bool searching_ = false;
  std::string search_before_;  // restored by Escape
  bool helping_ = false;
};

}  // namespace aribus::cli
