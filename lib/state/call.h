// One call, and what is said of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "record/call.h"
#include "record/own_records.h"

namespace aribus::state {

// A call that has not ended. Its id is the one under which Calls has it; its first leg is never left out.
struct Call {
  bool outbound = false;  // its first channel was originated
  record::Party from;
  record::Party to;
  std::vector<std::string> apps;  // that it was in, the latest one last; at most max_apps
  WallTime started;
  std::optional<WallTime> answered;
  uint64_t first_seq = 0;  // of the record that it began with
  bool complete = true;    // its beginning was seen
  bool left = false;       // a leg is not reported any more, and nobody has seen its end
  std::vector<record::CallLeg> legs;
  size_t live_legs = 0;
  size_t legs_left_out = 0;
  std::vector<std::string> held;  // ids of the channels on hold
  WallTime held_since;
  std::chrono::milliseconds hold{0};  // before that
  std::vector<record::CallTransfer> transfers;
  std::vector<record::CallRecording> recordings;
  size_t bytes = 0;  // of it and its texts, about

  // The leg of that channel; nullptr: it has none, or it was left out.
  [[nodiscard]] record::CallLeg* leg(std::string_view channel);
  [[nodiscard]] bool begins_with(std::string_view channel) const { return legs.front().channel == channel; }
  void set_cause(std::string_view channel, uint64_t cause, const std::string& cause_txt);
  void set_held(std::string_view channel, bool is_held, WallTime time);
  // These return by how much `bytes` has grown, modulo 2^64.
  // Adds a live leg. The oldest ended one makes room for it where there are too many.
  [[nodiscard]] size_t add_leg(record::CallLeg leg);
  [[nodiscard]] size_t add_app(const std::string& app);
  // Nothing if it is there: each application gets a copy of the event, with the same time.
  [[nodiscard]] size_t add_transfer(const record::CallTransfer& transfer);
  // `begins`: it is added; otherwise it is only brought up to date.
  [[nodiscard]] size_t take_recording(const record::CallRecording& recording, bool begins);
  // Whether all of it was seen. Calls that began with the record `gap_seq` or earlier ones were not.
  [[nodiscard]] bool is_complete(uint64_t gap_seq) const { return complete && first_seq > gap_seq; }

  static constexpr size_t max_apps = 16;
  static constexpr size_t max_ended_legs = 256;  // that are kept; beyond it the oldest are left out
  static constexpr size_t max_listed = 64;       // transfers, and recordings
};

[[nodiscard]] inline size_t bytes_of(const Call& call) {
  return call.bytes;
}

// Milliseconds between two times; 0 if they are in the other order.
[[nodiscard]] uint64_t milliseconds_between(WallTime from, WallTime to);

// As `state.calls` shows it, without what is live of its legs. `gap_seq`: see Call::is_complete().
[[nodiscard]] record::LiveCall live_call(const std::string& id, const Call& call, uint64_t gap_seq);

// What is said of a call whose legs have all ended.
[[nodiscard]] record::CallEnded ended_call(Call&& call, uint64_t gap_seq);

}  // namespace aribus::state
