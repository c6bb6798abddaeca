#include "session/subscription.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "control/methods/live_snapshot.h"
#include "json/json_tape.h"
#include "protocol/rpc.h"
#include "record/record_text.h"
#include "session/results.h"
#include "session/subscription_doubts.h"

namespace aribus::session {
namespace {

constexpr size_t max_pieces = 256;
constexpr uint64_t max_scanned = 16'384;

size_t bytes_of(const bus::FilterOptions& wanted) {
  size_t bytes = 0;
  for (const auto* list : {&wanted.types, &wanted.exclude, &wanted.servers, &wanted.apps, &wanted.channels,
                           &wanted.bridges, &wanted.endpoints, &wanted.calls}) {
    for (const std::string& text : *list) bytes += 2 * (text.size() + sizeof text);  // the filter has a copy
  }
  return bytes;
}

bus::FilterBounds bounds_of(const control::AccessRule& rule) {
  return {rule.types, rule.exclude_types, rule.apps};
}

}  // namespace

Subscription::Subscription(SubscribeParams params, const control::AccessRule& rule, const bus::RecordLog& log,
                           const bus::Start& start)
    : log_(&log),
      wanted_(std::move(params.wanted)),
      filter_(wanted_, bounds_of(rule)),
      on_overflow_(params.on_overflow),
      held_bytes_(bytes_of(wanted_)),
      announces_(params.announce),
      bounded_(!rule.apps.empty()),
      next_(start.next),
      first_kept_(log.first()),
      may_lose_from_(start.may_lose_from) {}

void Subscription::bound_by(const control::AccessRule& rule) {
  filter_ = bus::Filter(wanted_, bounds_of(rule));
  bounded_ = !rule.apps.empty();
  at_own_record_ = false;
  own_line_.reset();
}

Result<Subscription> Subscription::make(const JsonValue& params, const bus::RecordLog& log,
                                        const control::Dispatcher& dispatcher,
                                        const control::AccessRule& rule, const JoinGroup& join) {
  Result<SubscribeParams> read = read_subscribe_params(params);
  if (!read) return read.error();
  const std::vector<std::string> doubts = doubts_about(read->wanted, dispatcher, rule);
  if (read->group) read->wanted.apps.clear();  // they are those of the group: see GroupView
  const std::vector<std::string> servers = read->wanted.servers;
  const std::optional<std::string> since = std::move(read->since);
  const bool from_oldest = read->from_oldest;
  const bool snapshot = read->snapshot;
  const bus::Start start = bus::start_of(log, since, from_oldest);
  std::optional<GroupView> view;
  if (read->group) {
    Result<GroupView> joined = join(*read->group);
    if (!joined) return joined.error();
    view = std::move(*joined);
  }
  Subscription subscription(std::move(*read), rule, log, start);
  const std::string& reason = start.reason;
  const bool resumed = since && reason.empty();
  const std::string cursor = subscription.cursor().text();
  Subscribed result{.cursor = cursor, .resumed = {}, .reason = {}, .warnings = {}, .member = {}, .lease_ms = {}, .snapshot = {}};
  if (view) result.member = view->member();
  if (view && view->lease()) result.lease_ms = static_cast<uint64_t>(view->lease()->count());
  subscription.tells_calls_ = view && !resumed;
  subscription.view_ = std::move(view);
  if (since) result.resumed = resumed;
  if (!reason.empty()) result.reason = reason;
  if (!doubts.empty()) result.warnings = doubts;
  subscription.result_ = pbx::ResultText(to_json(result));
  // A resumed subscriber has the state already: no snapshot.
  if (snapshot && !resumed) {
    std::string head = to_json(result);
    head.back() = ',';
    subscription.result_ = pbx::ResultText(head + R"("snapshot":)");
    subscription.result_.append(control::live_snapshot(dispatcher, servers, rule)).add("}");
  }
  return subscription;
}

std::string Subscription::pass_lost() {
  const uint64_t first = log_->readable_from(next_);
  was_overtaken_ = std::max(next_, first_kept_) < log_->first();
  lost_ += overtaken();
  const uint64_t from = std::exchange(next_, first);
  at_own_record_ = at_group_record_ = false;
  own_line_.reset();
  const Lost lost{.from = from, .to = first - 1, .records = first - from};
  return rpc::notification_text("lost", to_json(lost)) + "\n";
}

bool Subscription::must_disconnect() const {
  return was_overtaken_ && on_overflow_ == Overflow::disconnect;
}

void Subscription::gather(size_t max_bytes, std::vector<iovec>& pieces) {
  pieces.clear();
  runs_.clear();
  if (filter_.takes_all() && !view_) {
    const uint64_t end = log_->record_at(next_, log_->readable_until(next_), max_bytes);
    gathered_ = std::max(end, next_ + 1);
    runs_.push_back({next_, gathered_});
  } else {
    gather_matches(max_bytes);
  }
  for (const Run& run : runs_) {
    const std::string_view lines = log_->lines(run.from, run.to);
    pieces.push_back({const_cast<char*>(lines.data()), lines.size()});
  }
}

void Subscription::gather_matches(size_t max_bytes) {
  const uint64_t end = std::min(log_->readable_until(next_), next_ + max_scanned);
  size_t bytes = 0;
  uint64_t seq = next_;
  for (;; ++seq) {
    seq = view_ ? next_match(seq, end) : filter_.next_match(*log_, seq, end);
    if (seq == end) break;
    if (view_ && group_record_ == seq) {
      at_group_record_ = runs_.empty();
      break;
    }
    if (bounded_ && is_own(seq)) {
      at_own_record_ = runs_.empty();
      break;
    }
    const size_t length = log_->entry(seq).length;
    const bool neighbour = !runs_.empty() && runs_.back().to == seq;
    if (bytes > 0 && (bytes + length > max_bytes || (!neighbour && runs_.size() == max_pieces))) break;
    bytes += length;
    if (neighbour) {
      runs_.back().to = seq + 1;
    } else {
      runs_.push_back({seq, seq + 1});
    }
  }
  gathered_ = seq;
  if (runs_.empty()) next_ = seq;
}

// The first record of [from, to) for the member, or `to`; group_record_ is its number if it is one for a
// notification.
uint64_t Subscription::next_match(uint64_t from, uint64_t to) {
  for (; from < to; ++from) {
    const GroupView::Sight sight = view_->sight_of(from);
    if (sight == GroupView::Sight::notification) return group_record_ = from;
    if (sight == GroupView::Sight::shown && filter_.matches(*log_, from)) return from;
  }
  return to;
}

// Whether a record has no application. The log gives 0 to applications that came when all numbers were taken.
bool Subscription::is_own(uint64_t seq) const {
  const bus::Entry& entry = log_->entry(seq);
  if (entry.app != 0 && entry.type != 0)
    return log_->name(entry.app).empty() || is_about_call(log_->name(entry.type));
  JsonTape tape;
  record::Record record;
  return record::read_text(tape, log_->record_text(seq), record) &&
         (record.app.empty() || is_about_call(record.type));
}

std::optional<std::string> Subscription::take_own_record(const control::Dispatcher& dispatcher,
                                                         const control::AccessRule& rule) {
  if (!own_line_) own_line_ = std::make_unique<VisibleLine>(*log_, next_);
  std::optional<std::string> line = own_line_->next(filter_, dispatcher, rule);
  if (!line) return {};
  own_line_.reset();
  at_own_record_ = false;
  ++next_;
  return line;
}

std::string_view Subscription::advance(size_t count) {
  for (const Run& run : runs_) {
    const size_t run_bytes = log_->lines(run.from, run.to).size();
    if (count >= run_bytes) {
      count -= run_bytes;
      delivered_ += run.to - run.from;
      continue;
    }
    const uint64_t cut = log_->record_at(run.from, run.to, count);
    const std::string_view line = log_->line(cut);
    const size_t written = count - log_->lines(run.from, cut).size();
    next_ = written == 0 ? cut : cut + 1;
    delivered_ += next_ - run.from;
    return written == 0 ? std::string_view() : line.substr(written);
  }
  next_ = gathered_;
  return {};
}

}  // namespace aribus::session
