// What aribus says of a call: in `state.calls`, and in its own records about calls (own_records.h).
// docs/calls.md says what a call is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/time.h"
#include "json/described.h"

namespace aribus::record {

// A caller or a callee, as ARI's CallerID has it.
struct Party {
  std::string name;
  std::string number;
  static constexpr auto members = std::tuple(member("name", &Party::name), member("number", &Party::number));
};

// How a channel came to be part of a call.
inline constexpr std::string_view ways_to_join[] = {"first",   "local",    "dial",
                                                    "forward", "transfer", "create"};

// A channel of a call.
struct CallLeg {
  std::string channel;    // its id
  std::string name;       // "PJSIP/100-00000001"
  std::string joined_by;  // one of ways_to_join
  Party caller;
  WallTime began;  // its creation
  std::optional<WallTime> answered;
  std::optional<WallTime> ended;
  std::optional<uint64_t> cause;  // of its end, in Asterisk's numbers
  std::optional<std::string> cause_txt;
  // In `state.calls`, while it lives:
  std::optional<std::string> state;   // "Up"
  std::optional<std::string> bridge;  // the id of the one that it is in
  std::optional<bool> held;           // true: it is on hold
  static constexpr auto members = std::tuple(
      member("channel", &CallLeg::channel), member("name", &CallLeg::name),
      member("joined_by", &CallLeg::joined_by).known_values(ways_to_join), member("caller", &CallLeg::caller),
      member("began", &CallLeg::began), member("answered", &CallLeg::answered),
      member("ended", &CallLeg::ended), member("cause", &CallLeg::cause),
      member("cause_txt", &CallLeg::cause_txt), member("state", &CallLeg::state),
      member("bridge", &CallLeg::bridge), member("held", &CallLeg::held));
};

struct CallTransfer {
  static constexpr std::string_view kinds[] = {"blind", "attended"};
  WallTime time;
  std::string kind;     // one of `kinds`
  std::string channel;  // the id of the channel that transferred
  std::string to;  // blind: extension@context; attended: the id of the channel that is talked to now, or ""
  std::string result;  // ARI's: "Success", "Fail", …
  static constexpr auto members =
      std::tuple(member("time", &CallTransfer::time), member("kind", &CallTransfer::kind).one_of(kinds),
                 member("channel", &CallTransfer::channel), member("to", &CallTransfer::to),
                 member("result", &CallTransfer::result));
};

// A recording of one of its channels, or of a bridge that one of them was in when the recording began.
struct CallRecording {
  std::string name;
  std::string format;
  std::optional<uint64_t> duration;  // seconds, when it has finished
  static constexpr auto members =
      std::tuple(member("name", &CallRecording::name), member("format", &CallRecording::format),
                 member("duration", &CallRecording::duration));
};

inline constexpr std::string_view call_directions[] = {"inbound", "outbound"};

// A live call, in `state.calls`.
struct LiveCall {
  std::string id;
  std::string direction;  // one of call_directions
  Party from;
  Party to;
  std::vector<std::string> apps;  // that it was in, the first one first
  WallTime started;
  std::optional<WallTime> answered;
  bool complete = true;  // false: part of it fell into a gap
  uint64_t hold_ms = 0;
  std::vector<CallLeg> legs;  // the first one first
  std::optional<uint64_t> legs_left_out;
  std::vector<CallTransfer> transfers;
  std::vector<CallRecording> recorded;
  static constexpr auto members = std::tuple(
      member("id", &LiveCall::id), member("direction", &LiveCall::direction).one_of(call_directions),
      member("from", &LiveCall::from), member("to", &LiveCall::to), member("apps", &LiveCall::apps),
      member("started", &LiveCall::started), member("answered", &LiveCall::answered),
      member("complete", &LiveCall::complete), member("hold_ms", &LiveCall::hold_ms),
      member("legs", &LiveCall::legs), member("legs_left_out", &LiveCall::legs_left_out),
      member("transfers", &LiveCall::transfers), member("recorded", &LiveCall::recorded));
};

}  // namespace aribus::record
