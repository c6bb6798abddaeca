// One subscriber's view of the log: a position and a filter.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <sys/uio.h>

#include "base/result.h"
#include "bus/filter.h"
#include "bus/record_log.h"
#include "control/dispatcher.h"
#include "json/json.h"

namespace aribus::session {

// `subscribe` and `unsubscribe`, as they are described: sessions answer them.
[[nodiscard]] std::vector<control::Method> subscription_methods();

// What to do with a subscriber that the ring has overtaken.
enum class Overflow { lost, disconnect };

class Subscription {
 public:
  // Reads the parameters of `subscribe`; delivers no more than `rule` allows.
  // Errors: invalid_params.
  [[nodiscard]] static Result<Subscription> make(const JsonValue& params, const bus::RecordLog& log,
                                                 const control::Dispatcher& dispatcher,
                                                 const control::AccessRule& rule);

  // From here on `rule` bounds it.
  void bound_by(const control::AccessRule& rule);

  // The result of `subscribe`, until it is dropped: it may hold a snapshot.
  [[nodiscard]] const pbx::ResultText& result() const { return result_; }
  void drop_result() { result_ = pbx::ResultText(""); }
  // What it takes in memory.
  [[nodiscard]] size_t held_bytes() const { return held_bytes_; }
  // Everything up to here was delivered or did not match.
  [[nodiscard]] bus::Cursor cursor() const { return {log_->stream(), next_ - 1}; }
  [[nodiscard]] Overflow on_overflow() const { return on_overflow_; }
  // The ids that commands of this connection are given are told before they are sent: no record waits for an
  // answer.
  [[nodiscard]] bool announces() const { return announces_; }
  // How many records it has not passed yet.
  [[nodiscard]] uint64_t behind() const { return log_->next() - next_; }
  [[nodiscard]] bool up_to_date() const { return next_ == log_->next(); }

  // A `lost` notification when the ring has overtaken the subscriber, or the next records can't be read; it
  // then continues with the oldest record kept, or the first that can be read. Else "".
  [[nodiscard]] std::string take_lost() {
    return log_->readable_from(next_) == next_ ? std::string() : pass_lost();
  }
  // What take_lost() told of was lost because the ring has overtaken it.
  [[nodiscard]] bool was_overtaken() const { return was_overtaken_; }
  // How many records it has lost so far and was told of: not those that were gone before it asked for the
  // oldest.
  [[nodiscard]] uint64_t lost() const { return lost_; }
  // How many more it has lost and will be told of.
  [[nodiscard]] uint64_t overtaken() const {
    const uint64_t first = log_->readable_from(next_);
    return first - std::min(std::max(next_, may_lose_from_), first);
  }
  // How many records were written, or begun.
  [[nodiscard]] uint64_t delivered() const { return delivered_; }
  // What of its parameters says which records come: an object of JSON with the lists that were given and
  // `announce`. Of long ones only a part, and in `more` the number of the values that are left out.
  [[nodiscard]] std::string filter_text() const;

  // The next record is one without an application, and the rule is bound to applications: it is taken one by
  // one, as it may name what the rule does not show. Known after gather().
  [[nodiscard]] bool is_at_own_record() const { return at_own_record_; }
  // Its line with what `rule` shows of it; "" when that is nothing. Required: is_at_own_record().
  [[nodiscard]] std::string take_own_record(const control::Dispatcher& dispatcher,
                                            const control::AccessRule& rule);

  // The lines to write next, neighbours merged: at most `max_bytes` (but at least one record), `max_pieces`
  // pieces and `max_scanned` records looked at, up to the next one that is_at_own_record() tells of. Records
  // that don't match are passed over for good. Good until the log grows. Required: take_lost() was called,
  // and it is not up to date since.
  void gather(size_t max_bytes, std::vector<iovec>& pieces);
  // The first `count` bytes of what gather() gave were written. Returns the rest of a record that was cut in
  // the middle: it must be written next.
  [[nodiscard]] std::string_view advance(size_t count);

 private:
  struct Run {
    uint64_t from;  // records [from, to)
    uint64_t to;
  };

  Subscription(bus::FilterOptions wanted, const control::AccessRule& rule, const bus::RecordLog& log);
  // Returns why it can't go on from `since`, or "". From the oldest record on, the first take_lost() tells
  // what came before it.
  std::string start(const std::optional<std::string>& since, bool from_oldest);
  [[nodiscard]] std::string pass_lost();
  void gather_matches(size_t max_bytes);
  [[nodiscard]] bool is_own(uint64_t seq) const;

  const bus::RecordLog* log_;
  bus::FilterOptions wanted_;
  bus::Filter filter_;
  Overflow on_overflow_ = Overflow::lost;
  size_t held_bytes_ = 0;
  bool announces_ = false;
  bool bounded_ = false;        // to applications
  bool at_own_record_ = false;  // next_ is one
  bool was_overtaken_ = false;
  pbx::ResultText result_{""};
  uint64_t next_ = 0;           // the first record not yet passed
  uint64_t first_kept_ = 0;     // the log's when it began
  uint64_t may_lose_from_ = 0;  // what came before was not there when it began
  std::vector<Run> runs_;       // what gather() gave
  uint64_t lost_ = 0;
  uint64_t delivered_ = 0;
  uint64_t gathered_ = 0;  // where gather() ended
};

}  // namespace aribus::session
