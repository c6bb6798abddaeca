// One subscriber's view of the log: a position and a filter.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/uio.h>

#include "base/result.h"
#include "bus/filter.h"
#include "bus/record_log.h"
#include "bus/resume.h"
#include "control/dispatcher.h"
#include "json/json.h"
#include "session/group_view.h"
#include "session/own_record.h"
#include "session/subscribe_params.h"

namespace aribus::session {

// A subscriber reads the log by itself: the log knows no subscribers. A delivery is
//
//   take_lost()  the ring may have overwritten records that were not passed yet; tells which
//   gather()     finds the next records that match and gives them as pieces of the ring itself, no copy
//   advance()    passes what the transport took; a record that was cut in the middle is the caller's to
//   finish
//
// Only the position and the filter are kept between two deliveries, however many records wait.
class Subscription {
 public:
  // Makes the connection a member of the group; what is decided then comes after the subscription's cursor.
  using JoinGroup = std::function<Result<GroupView>(const GroupParams& group)>;

  // Reads the parameters of `subscribe`; delivers no more than `rule` allows.
  // Errors: invalid_params, and those of `join`.
  [[nodiscard]] static Result<Subscription> make(const JsonValue& params, const bus::RecordLog& log,
                                                 const control::Dispatcher& dispatcher,
                                                 const control::AccessRule& rule, const JoinGroup& join = {});

  // Replaces the rule that limits what it delivers.
  void bound_by(const control::AccessRule& rule);

  // The result of `subscribe`, until it is dropped: it may hold a snapshot.
  [[nodiscard]] const pbx::ResultText& result() const { return result_; }
  void drop_result() { result_ = pbx::ResultText(""); }
  // Memory that it takes.
  [[nodiscard]] size_t held_bytes() const { return held_bytes_; }
  // Everything up to here was delivered or did not match.
  [[nodiscard]] bus::Cursor cursor() const { return {log_->stream(), next_ - 1}; }
  // The ids of objects that commands create are sent as `creating` notifications, so that no record waits for
  // an answer.
  [[nodiscard]] bool announces() const { return announces_; }
  // Number of records that it has not passed yet.
  [[nodiscard]] uint64_t behind() const { return log_->next() - next_; }
  [[nodiscard]] bool up_to_date() const { return next_ == log_->next(); }

  // The line of a `lost` notification when the ring has overtaken the subscriber or the next records can't be
  // read; the subscription then continues with the first record that can be read. Otherwise "".
  [[nodiscard]] std::string take_lost() {
    return log_->readable_from(next_) == next_ ? std::string() : pass_lost();
  }
  // Whether the connection is to be closed: the latest take_lost() was about records that the ring has
  // overwritten, and the program asked for `on_overflow: disconnect`.
  [[nodiscard]] bool must_disconnect() const;
  // Number of lost records reported so far, without those that were gone before it began.
  [[nodiscard]] uint64_t lost() const { return lost_; }
  // Number of lost records not reported yet.
  [[nodiscard]] uint64_t overtaken() const {
    const uint64_t first = log_->readable_from(next_);
    return first - std::min(std::max(next_, may_lose_from_), first);
  }
  // Number of records written, or begun.
  [[nodiscard]] uint64_t delivered() const { return delivered_; }
  [[nodiscard]] std::string filter_text() const { return session::filter_text(wanted_, announces_); }

  // Whether the next record has no application while the rule is limited to applications. Such records are
  // taken one by one, as they can name objects that the rule hides. Known after gather().
  [[nodiscard]] bool is_at_own_record() const { return at_own_record_; }
  // Passes that record, in several steps if it names very many objects. Returns what `rule` shows of it (see
  // VisibleLine); nothing: there are more steps. Required: is_at_own_record(), and take_lost() was called
  // since the last step.
  [[nodiscard]] std::optional<std::string> take_own_record(const control::Dispatcher& dispatcher,
                                                           const control::AccessRule& rule);

  // Of a member of a group; nullptr: of none.
  [[nodiscard]] const GroupView* group() const { return view_ ? &*view_ : nullptr; }
  // It is no member any more.
  void leave_group() {
    if (view_) view_->end();
  }
  // Whether all that it was told as a member has been passed, and this was not asked since.
  [[nodiscard]] bool take_left() {
    const bool left = view_ && view_->ended_at() && next_ >= *view_->ended_at();
    return left && !std::exchange(told_left_, true);
  }
  // Whether it is a member that begins without the records before, so that it has to be told of the calls that it
  // owns already; once.
  [[nodiscard]] bool take_beginning() { return std::exchange(tells_calls_, false); }
  // Whether the next record is one for which the member gets a notification. Known after gather().
  [[nodiscard]] bool is_at_group_record() const { return at_group_record_; }
  // Passes that record and returns its number. Required: is_at_group_record(), and take_lost() was called
  // since.
  [[nodiscard]] uint64_t take_group_record() {
    at_group_record_ = false;
    ++delivered_;
    return next_++;
  }

  // Finds the lines to write next, adjacent ones merged: at most `max_bytes` (but at least one record),
  // `max_pieces` pieces and `max_scanned` records examined, and none after a record for is_at_own_record() or
  // is_at_group_record().
  // Records that don't match are passed. Valid until the log grows. Required: take_lost() was called and it
  // is not up to date since.
  void gather(size_t max_bytes, std::vector<iovec>& pieces);
  // Passes the first `count` bytes of what gather() found: they were written. Returns the rest of a record
  // that was cut in the middle; it must be written next.
  [[nodiscard]] std::string_view advance(size_t count);

 private:
  struct Run {
    uint64_t from;  // records [from, to)
    uint64_t to;
  };

  Subscription(SubscribeParams params, const control::AccessRule& rule, const bus::RecordLog& log,
               const bus::Start& start);
  [[nodiscard]] std::string pass_lost();
  void gather_matches(size_t max_bytes);
  [[nodiscard]] uint64_t next_match(uint64_t from, uint64_t to);
  [[nodiscard]] bool is_own(uint64_t seq) const;

  const bus::RecordLog* log_;
  bus::FilterOptions wanted_;
  bus::Filter filter_;
  Overflow on_overflow_ = Overflow::lost;
  size_t held_bytes_ = 0;
  bool announces_ = false;
  bool bounded_ = false;        // to applications
  bool at_own_record_ = false;  // next_ is one
  std::optional<GroupView> view_;  // of a member of a group
  bool at_group_record_ = false;   // next_ is one
  uint64_t group_record_ = 0;      // the last one that was found
  bool told_left_ = false;         // see take_left()
  bool tells_calls_ = false;       // see take_beginning()
  std::unique_ptr<VisibleLine> own_line_;  // of that record, while there are more steps
  bool was_overtaken_ = false;
  pbx::ResultText result_{""};
  uint64_t next_;           // the first record not yet passed
  uint64_t first_kept_;     // the oldest record of the log when it began
  uint64_t may_lose_from_;  // records before this one were gone when it began
  std::vector<Run> runs_;   // what gather() found
  uint64_t lost_ = 0;
  uint64_t delivered_ = 0;
  uint64_t gathered_ = 0;  // where gather() ended
};

}  // namespace aribus::session
