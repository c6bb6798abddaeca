// The events of an Asterisk that may have been missed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ari/client.h"
#include "base/time.h"
#include "net/loop.h"
#include "record/record.h"
#include "state/model.h"

namespace aribus::pbx {

// Knows since when, and why, events of one Asterisk may have been missed, and which Asterisk it was connected
// to before. Some of this comes from the records of an earlier process. Lives on the loop's thread.
class Gap {
 public:
  // The time that an event may take through Asterisk: it may be lost although a later byte came.
  static constexpr Milliseconds travel_time{1000};

  // `server`: its name, for the log.
  Gap(std::string server, state::Model& model) : server_(std::move(server)), model_(model) {}

  // A record that an earlier process left, in their order. `started`: when this process did.
  void recall(const record::Record& record, WallTime started);
  // That was the last one.
  void recalled();
  // Asterisk's startup_time, when the earlier process read its events to their end; else "".
  [[nodiscard]] const std::string& ended_at() const { return ended_at_; }

  // From `now` on events may be missed, for this reason; the last byte came `silence` ago. Does nothing when
  // they may have been missed since before.
  void miss(const std::string& reason, WallTime now, Milliseconds silence);
  // They may have been missed from `since` on.
  void extend(WallTime since) { since_ = std::min(since_.value_or(since), since); }
  // The configuration names another Asterisk now.
  void forget_asterisk() { known_startup_.clear(); }

  // What a new connection has found.
  struct Found {
    bool is_first = false;   // no earlier connection to this Asterisk is known
    bool restarted = false;  // Asterisk was, since the last one
  };
  [[nodiscard]] Found connected(const ari::ServerInfo& info);
  // What may have been missed before the present connection.
  struct Missed {
    WallTime from;
    std::string reason;
  };
  // Ends the gap. `continues`: the event stream goes on where the one before ended, so nothing was missed.
  [[nodiscard]] std::optional<Missed> end(bool continues, bool restarted);
  // The live objects were read after a gap: logs how many channels have ended in it.
  void log_ended_channels();

 private:
  std::string server_;
  state::Model& model_;
  std::optional<WallTime> since_;
  std::string reason_;
  std::string known_startup_;  // startup_time of the Asterisk that was connected last; "": none
  std::string ended_at_;
  size_t channels_before_ = 0;  // the gap after which the live objects are being read
};

}  // namespace aribus::pbx
