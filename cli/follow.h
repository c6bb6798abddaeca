// The stream of records, over all connections to the daemon: it connects again when one ends, and goes on
// after the last record.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/commands.h"
#include "client/item.h"

namespace aribus::cli {

// Callbacks for the stream. Each returns false to end.
struct Follower {
  // With each item: a record, or one of the client's own (see client/item.h).
  std::function<bool(const client::Item&)> take;
  // Whenever no item waits.
  std::function<bool()> rest = [] { return true; };
  // Once the daemon is there, before anything is asked of it. Returns the cursor to go on behind, or "".
  std::function<Result<std::string>()> begin = [] { return std::string(); };
};

// Subscribes as the options and `types` say, and goes on until it is interrupted, or the follower says so.
// Says on standard error when a connection ended, when there was one again, and what is missing. Ends with an
// error where waiting can't help: when there is no daemon at first, and when it does not allow what is asked
// for, or refuses it. Returns the exit status.
int follow(const Arguments& arguments, const std::vector<std::string>& types, const Follower& follower);

// The options of follow(), which choose the records, with `more` behind them.
[[nodiscard]] std::vector<Option> with_filters(std::vector<Option> more);

// Whether the item is one of the client's own, and no record.
[[nodiscard]] bool is_own(std::string_view type);

// Sentences of follow() about the client's own items.
class StreamReport {
 public:
  // A sentence about an item that came at `now`; "" when there is nothing to say.
  [[nodiscard]] std::string sentence(const client::Item& item, WallTime now);

 private:
  bool was_subscribed_ = false;
  bool disconnected_ = false;
};

}  // namespace aribus::cli
