// The time that programs may take of a turn of the loop.
#pragma once

#include <cstdint>

#include <uv.h>

namespace aribus::session {

// The time for one kind of work (handling requests, writing) in one turn of the loop, for all connections
// together. Work beyond it waits for the next turn, so that Asterisk's events are read in between: it
// disconnects a reader that is slow for 100 ms.
class TurnBudget {
 public:
  explicit TurnBudget(uint64_t limit_ns) : limit_ns_(limit_ns) {}

  [[nodiscard]] bool spent() const {
    return used_ns_ + (began_ns_ == 0 ? 0 : uv_hrtime() - began_ns_) >= limit_ns_;
  }
  // Begins a new turn.
  void renew() { used_ns_ = 0; }

  // Counts the time while it exists. Nested ones count once.
  class Use {
   public:
    explicit Use(TurnBudget& budget) : budget_(budget), outermost_(budget.began_ns_ == 0) {
      if (outermost_) budget_.began_ns_ = uv_hrtime();
    }
    ~Use() {
      if (!outermost_) return;
      budget_.used_ns_ += uv_hrtime() - budget_.began_ns_;
      budget_.began_ns_ = 0;
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    TurnBudget& budget_;
    bool outermost_;
  };

 private:
  uint64_t limit_ns_;
  uint64_t used_ns_ = 0;
  uint64_t began_ns_ = 0;  // of the use under way, or 0
};

}  // namespace aribus::session
