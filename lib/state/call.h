// One call, and what is said of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "record/call.h"
#include "record/own_records.h"

namespace aribus::state {

// The JSON text of a call in parts: without what changes while a leg lives, which its channel says itself.
struct CallText {
  std::string text;            // the head, up to the bracket in front of the legs, and the legs
  std::vector<uint32_t> ends;  // of the head, and of each leg in front of its closing brace
  uint64_t gap_seq = 0;        // that it was made for

  [[nodiscard]] std::string_view head() const { return std::string_view(text).substr(0, ends.front()); }
  // Of a live leg: without `name`, `caller`, `state` and `bridge`, which its channel has.
  [[nodiscard]] std::string_view leg(size_t i) const {
    return std::string_view(text).substr(ends[i], ends[i + 1] - ends[i]);
  }
};

struct KnownCall;

// A call that has not ended: what is shown of it, and what is kept besides. Its first leg is never left out.
struct Call : record::LiveCall {
  uint64_t first_seq = 0;  // of the record that it began with
  bool left = false;       // a leg is not reported any more, and nobody has seen its end
  size_t live_legs = 0;
  size_t held_legs = 0;
  WallTime held_since;    // `hold_ms` counts what was before that
  size_t bytes = 0;       // of it and its texts, about, without `text`
  mutable CallText text;  // see text_of(); empty: not made since the last change
  std::shared_ptr<KnownCall> known;  // what its channels have of it

  [[nodiscard]] bool is_outbound() const { return direction == record::call_directions[1]; }
  // The leg of that channel; nullptr: it has none, or it was left out.
  [[nodiscard]] record::CallLeg* leg(std::string_view channel);
  [[nodiscard]] bool begins_with(std::string_view channel) const { return legs.front().channel == channel; }
  // The leg that the call is answered with, and whose end is its own: the first one, or in an outbound call the
  // one that this one forwards to. What a dialled leg forwards to is not.
  [[nodiscard]] const record::CallLeg& main_leg() const;
  void set_cause(std::string_view channel, uint64_t cause, std::string_view cause_txt);
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
[[nodiscard]] inline size_t made_bytes_of(const Call& call) {
  return call.text.text.capacity();
}

// Milliseconds between two times; 0 if they are in the other order.
[[nodiscard]] uint64_t milliseconds_between(WallTime from, WallTime to);

// Its JSON text, which is the same for all who ask until the call changes. `gap_seq`: see Call::is_complete().
[[nodiscard]] const CallText& text_of(const Call& call, uint64_t gap_seq);

// What is said of a call whose legs have all ended.
[[nodiscard]] record::CallEnded ended_call(Call&& call, uint64_t gap_seq);

}  // namespace aribus::state
