// Large answers of Asterisk, read where they don't hold up the loop.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "ari/held_bytes.h"
#include "ari/http.h"
#include "ari/schema.h"
#include "base/background.h"
#include "base/result.h"
#include "control/result_text.h"

namespace aribus::control {

// Reads one answer at a time on another thread; users take turns. What waits is bounded in bytes, for all and
// for each user (ari::HeldBytes). Lives on the loop's thread; `done` of what is not read at its end is not
// called.
class AnswerReader {
 public:
  using Done = std::function<void(Result<ResultText>)>;

  explicit AnswerReader(Loop& loop) : loop_(loop) {}

  // Reads the body of `response`, as `declared`, and calls `done` once, from the loop. False: too much waits,
  // and nothing will be called.
  [[nodiscard]] bool read(uint64_t user, ari::HttpResponse response, const ari::Answer& declared, Done done);
  [[nodiscard]] bool is_busy() const { return background_.is_busy() || !waiting_.empty(); }

 private:
  struct Job;

  void start();

  Loop& loop_;
  ari::HeldBytes held_{64 << 20};
  std::map<uint64_t, std::deque<std::shared_ptr<Job>>> waiting_;  // by user, none empty
  uint64_t last_user_ = 0;                                        // whose turn was the last one
  Background background_;
};

// The result in the body of an answer that succeeded. Errors: outcome_unknown: it is too large to be
// read, or says that it is JSON and is none that every reader of the socket accepts.
[[nodiscard]] Result<ResultText> result_of(ari::HttpResponse response, const ari::Answer& declared);

}  // namespace aribus::control
