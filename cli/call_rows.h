// The rows of `aribus calls`: which of them are shown, in which order, and what they are for programs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "json/json.h"

namespace aribus::cli {

// A channel, or both halves of a Local channel.
struct CallRow {
  std::string server;
  std::vector<std::string> channels;  // ids; of a Local channel's halves the one of ;1 comes first
  std::string name;                   // Asterisk's of the channel: PJSIP/100-00000001
  std::string who;
  std::string with;  // the other party, or "waits in …"
  std::string state;
  WallTime began;
  std::string app;  // the Stasis application, or ""
  std::string bridge_id;
  std::string bridge_name;
  std::string bridge_type;  // mixing or holding

  // The bridge's name, or its id where it has none; with its type unless that is mixing.
  [[nodiscard]] std::string bridge() const;
};

// Which rows are shown. The values of one list are or-ed, all else and-ed; an empty list matches everything.
struct CallFilter {
  std::vector<std::string> servers;
  std::vector<std::string> apps;
  std::vector<std::string> channels;  // ids
  std::string search;                 // occurs in any of the row's texts; upper and lower case are the same

  [[nodiscard]] bool matches(const CallRow& row) const;
  // "app=demo, /bob"; "" when all match.
  [[nodiscard]] std::string text() const;
};

// The order of rows; rows that are equal in it are in the order of `time`.
struct CallOrder {
  enum class By { time, who, with, state, app, bridge, server, channel };
  By by = By::time;  // the longest first
  bool reversed = false;

  // As text() has it: "time", "-who". Nothing when it is none.
  [[nodiscard]] static std::optional<CallOrder> read(std::string_view text);
  [[nodiscard]] std::string text() const;
  [[nodiscard]] CallOrder next() const;  // the next column, not reversed
  void sort(std::vector<CallRow>& rows) const;
};
inline constexpr std::string_view call_orders = "time, who, with, state, app, bridge, server or channel";

// The names of the columns for programs, and a row's values: ids are whole, times RFC 3339.
[[nodiscard]] const std::vector<std::string>& call_field_names();
[[nodiscard]] std::vector<std::string> call_fields(const CallRow& row, WallTime now);
// {"cursor":…,"all":…,"calls":[…]}: `all` counts the rows before the filter.
[[nodiscard]] std::string calls_json(const std::vector<CallRow>& rows, size_t all, std::string_view cursor,
                                     WallTime now);

}  // namespace aribus::cli
