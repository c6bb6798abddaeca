// The calls that `aribus calls` shows: which of them, in which order, and what they are for programs.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "json/json.h"
#include "record/call.h"

namespace aribus::cli {

// A live channel: a leg of a call, or one that belongs to no call.
struct LegRow {
  std::string server;
  std::string channel;  // its id
  std::string half;     // the id of the other half, if it is one of a Local channel
  std::string name;     // Asterisk's of the channel: PJSIP/100-00000001
  std::string who;
  std::string with;  // the others in its bridge, or "waits in …"
  std::string state;
  WallTime began;
  std::string app;  // the Stasis application, or ""
  std::string bridge_id;
  std::string bridge_name;
  std::string bridge_type;  // mixing or holding
  bool held = false;        // it is on hold
  uint64_t place = 0;       // the legs that joined earlier have lower ones

  // The bridge's name, or its id where it has none; with its type unless that is mixing.
  [[nodiscard]] std::string bridge() const;
};

// A call with its live legs, or a channel that belongs to no call.
struct CallRow {
  std::string id;         // "": it is a channel of no call, the only leg, and all other texts are empty
  std::string direction;  // inbound or outbound
  record::Party from;
  record::Party to;
  WallTime started;
  std::optional<WallTime> answered;
  bool complete = true;      // its beginning was seen
  std::string who;           // who calls, or on the first leg
  std::string called;        // who is called
  std::string state;         // ringing, up, waiting (a leg is in a holding bridge) or on hold (a leg is)
  std::vector<LegRow> legs;  // the first one first; never empty

  // The application of the first leg that is in one, or "".
  [[nodiscard]] const std::string& app() const;
};

// A line of a table: a call, or one of its legs. Whoever has it keeps the call.
struct CallLine {
  const CallRow* call;
  const LegRow* leg = nullptr;  // nullptr: the call

  // The leg, or the first one of the call.
  [[nodiscard]] const LegRow& first() const { return leg != nullptr ? *leg : call->legs.front(); }
  [[nodiscard]] const std::string& who() const { return leg != nullptr ? leg->who : call->who; }
  [[nodiscard]] const std::string& app() const { return leg != nullptr ? leg->app : call->app(); }
  [[nodiscard]] const std::string& state() const;
  [[nodiscard]] WallTime began() const;
};

// Which lines are shown. The values of one list are or-ed, all else and-ed; an empty list matches everything.
struct CallFilter {
  std::vector<std::string> servers;
  std::vector<std::string> apps;
  std::vector<std::string> channels;  // ids
  std::string search;  // occurs in any of the texts of the leg or of its call; in upper or lower case

  // Of a call: whether one of its legs does.
  [[nodiscard]] bool matches(const CallLine& line) const;
  // "app=demo, /bob"; "" when all match.
  [[nodiscard]] std::string text() const;

 private:
  [[nodiscard]] bool matches(const CallRow& call, const LegRow& leg, std::string_view folded_search) const;
};

// The order of lines; those that are equal in it are in the order of `time`.
struct CallOrder {
  enum class By { time, who, called, with, state, app, bridge, server, channel };
  By by = By::time;  // the longest first
  bool reversed = false;

  // As text() has it: "time", "-who". Nothing when it is none.
  [[nodiscard]] static std::optional<CallOrder> read(std::string_view text);
  [[nodiscard]] std::string text() const;
  [[nodiscard]] CallOrder next() const;  // the next column, not reversed
  void sort(std::vector<CallLine>& lines) const;
};
inline constexpr std::string_view call_orders =
    "time, who, called, with, state, app, bridge, server or channel";

// The calls, or each leg for itself, that match, in that order.
[[nodiscard]] std::vector<CallLine> lines_of_calls(const std::vector<CallRow>& calls,
                                                   const CallFilter& filter, const CallOrder& order);
[[nodiscard]] std::vector<CallLine> lines_of_legs(const std::vector<CallRow>& calls, const CallFilter& filter,
                                                  const CallOrder& order);
// The lines with the legs of the open calls below them.
[[nodiscard]] std::vector<CallLine> with_legs(const std::vector<CallLine>& calls,
                                              const std::function<bool(const CallRow&)>& is_open);

// The names of the fields for programs, and those of a leg: ids are whole, times RFC 3339.
[[nodiscard]] const std::vector<std::string>& leg_field_names();
[[nodiscard]] std::vector<std::string> leg_fields(const CallLine& line, WallTime now);
// {"cursor":…,"all":…,"calls":[…]}: `all` counts those before the filter.
[[nodiscard]] std::string calls_json(const std::vector<CallLine>& calls, size_t all, std::string_view cursor,
                                     WallTime now);

}  // namespace aribus::cli
