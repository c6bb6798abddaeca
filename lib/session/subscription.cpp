#include "session/subscription.h"

#include <algorithm>

#include "control/methods/state_methods.h"
#include "control/params.h"
#include "json/json_tape.h"
#include "protocol/rpc.h"
#include "record/record_text.h"
#include "session/results.h"
#include "session/subscription_doubts.h"
#include "state/model.h"

namespace aribus::session {
namespace {

using ari::Parameter;

constexpr size_t max_pieces = 256;
constexpr uint64_t max_scanned = 16'384;
// They are matched with every type of record.
constexpr size_t max_globs = 256;
constexpr size_t max_glob_bytes = 128;
constexpr size_t max_names = 1024;        // servers, applications and ids, each
constexpr size_t max_shown_bytes = 4096;  // of a filter's values, in filter_text()
constexpr std::string_view overflows[] = {"lost", "disconnect"};
constexpr std::string_view beginnings[] = {"newest", "oldest"};

constexpr Parameter subscribe_params[] = {
    {.name = "types", .multiple = true},
    {.name = "exclude", .multiple = true},
    {.name = "servers", .multiple = true},
    {.name = "apps", .multiple = true},
    {.name = "channels", .multiple = true},
    {.name = "bridges", .multiple = true},
    {.name = "endpoints", .multiple = true},
    {.name = "since"},
    {.name = "from", .values = beginnings},
    {.name = "on_overflow", .values = overflows},
    {.name = "snapshot", .type = ari::Type::boolean},
    {.name = "announce", .type = ari::Type::boolean},
};

std::vector<std::string> strings_of(const JsonValue& params, std::string_view name) {
  std::vector<std::string> strings;
  const JsonValue* value = find(params, name);
  if (value == nullptr) return strings;
  if (value->IsString()) return {std::string(as_view(*value))};
  for (const JsonValue& item : value->GetArray()) strings.emplace_back(as_view(item));
  return strings;
}

// Each is compared with many records.
Result<void> check_names(const JsonValue& params, std::string_view name) {
  const JsonValue* given = find(params, name);
  if (given == nullptr || !given->IsArray()) return {};
  if (given->Size() > max_names) return control::too_many_values(name, max_names, given->Size());
  for (const JsonValue& item : given->GetArray()) {
    if (item.GetStringLength() > record::max_id_bytes)
      return control::wrong_param(
          name, "a value of at most " + std::to_string(record::max_id_bytes) + " bytes", &item);
  }
  return {};
}

Result<void> check_globs(const JsonValue& params, std::string_view name,
                         const std::vector<std::string>& globs) {
  if (globs.size() > max_globs) return control::too_many_values(name, max_globs, globs.size());
  const JsonValue* given = find(params, name);
  for (size_t i = 0; i < globs.size(); ++i) {
    if (globs[i].size() <= max_glob_bytes) continue;
    const JsonValue* glob = given->IsArray() ? &(*given)[static_cast<rapidjson::SizeType>(i)] : given;
    return control::wrong_param(name, "a glob of at most " + std::to_string(max_glob_bytes) + " bytes", glob);
  }
  return {};
}

size_t bytes_of(const bus::FilterOptions& wanted) {
  size_t bytes = 0;
  for (const auto* list : {&wanted.types, &wanted.exclude, &wanted.servers, &wanted.apps, &wanted.channels,
                           &wanted.bridges, &wanted.endpoints}) {
    for (const std::string& text : *list) bytes += 2 * (text.size() + sizeof text);  // and in the filter
  }
  return bytes;
}

bus::FilterBounds bounds_of(const control::AccessRule& rule) {
  return {rule.types, rule.exclude_types, rule.apps};
}

}  // namespace

std::vector<control::Method> subscription_methods() {
  return {{.name = "subscribe",
           .parameters = {std::begin(subscribe_params), std::end(subscribe_params)},
           .answer_schema = schema_text<Subscribed>(),
           .access_level = control::AccessLevel::read},
          {.name = "unsubscribe",
           .answer_schema = schema_text<Unsubscribed>(),
           .access_level = control::AccessLevel::read}};
}

Subscription::Subscription(bus::FilterOptions wanted, const control::AccessRule& rule,
                           const bus::RecordLog& log)
    : log_(&log),
      wanted_(std::move(wanted)),
      filter_(wanted_, bounds_of(rule)),
      held_bytes_(bytes_of(wanted_)),
      bounded_(!rule.apps.empty()) {}

void Subscription::bound_by(const control::AccessRule& rule) {
  filter_ = bus::Filter(wanted_, bounds_of(rule));
  bounded_ = !rule.apps.empty();
  at_own_record_ = false;
}

Result<Subscription> Subscription::make(const JsonValue& params, const bus::RecordLog& log,
                                        const control::Dispatcher& dispatcher,
                                        const control::AccessRule& rule) {
  if (auto checked = control::check_params(subscribe_params, params); !checked) return checked.error();
  bus::FilterOptions filter;
  filter.types = strings_of(params, "types");
  filter.exclude = strings_of(params, "exclude");
  if (auto checked = check_globs(params, "types", filter.types); !checked) return checked.error();
  if (auto checked = check_globs(params, "exclude", filter.exclude); !checked) return checked.error();
  for (const std::string_view name : {"servers", "apps", "channels", "bridges", "endpoints"}) {
    if (auto checked = check_names(params, name); !checked) return checked.error();
  }
  filter.servers = strings_of(params, "servers");
  filter.apps = strings_of(params, "apps");
  filter.channels = strings_of(params, "channels");
  filter.bridges = strings_of(params, "bridges");
  filter.endpoints = strings_of(params, "endpoints");
  const std::vector<std::string> servers = filter.servers;
  const std::vector<std::string> doubts = doubts_about(filter, dispatcher, rule);
  Subscription subscription(std::move(filter), rule, log);
  if (find_string(params, "on_overflow") == "disconnect") subscription.on_overflow_ = Overflow::disconnect;
  const JsonValue* announce = find(params, "announce");
  subscription.announces_ = announce != nullptr && announce->GetBool();
  const JsonValue* since = find(params, "since");
  const bool from_oldest = find_string(params, "from") == "oldest";
  const JsonValue* snapshot = find(params, "snapshot");
  if (from_oldest && snapshot != nullptr && snapshot->GetBool()) {
    return Error{ErrorKind::invalid_params,
                 "snapshot: it would be of now, and `from` asks for what came before; ask for one of them",
                 {}};
  }
  const std::string reason = subscription.start(
      since == nullptr ? std::nullopt : std::optional<std::string>(as_view(*since)), from_oldest);
  const bool resumed = since != nullptr && reason.empty();
  const std::string cursor = subscription.cursor().text();
  Subscribed result{.cursor = cursor, .resumed = {}, .reason = {}, .warnings = {}, .snapshot = {}};
  if (since != nullptr) result.resumed = resumed;
  if (!reason.empty()) result.reason = reason;
  if (!doubts.empty()) result.warnings = doubts;
  // What lives now is no answer to who goes on where he was.
  subscription.result_ = pbx::ResultText(to_json(result));
  if (snapshot != nullptr && snapshot->GetBool() && !resumed) {
    std::string head = to_json(result);
    head.back() = ',';
    subscription.result_ = pbx::ResultText(head + R"("snapshot":)");
    subscription.result_.add(control::live_snapshot(dispatcher, cursor, servers, rule)).add("}");
  }
  return subscription;
}

std::string Subscription::start(const std::optional<std::string>& since, bool from_oldest) {
  next_ = from_oldest ? 1 : log_->next();
  first_kept_ = may_lose_from_ = log_->first();
  std::string reason;
  if (since) {
    const auto cursor = bus::Cursor::parse(*since);
    if (!cursor) {
      reason = "no cursor of the form <stream>:<seq>";
    } else if (cursor->stream != log_->stream()) {
      reason = "the stream started afresh since; it is " + log_->stream() + " now";
    } else if (cursor->seq >= log_->next()) {
      reason = "the cursor is ahead of the stream, which ends at " + std::to_string(log_->next() - 1);
    } else if (cursor->seq + 1 < log_->first() && !from_oldest) {
      reason =
          "the ring no longer holds what follows it; its oldest record is " + std::to_string(log_->first());
    } else {
      next_ = cursor->seq + 1;
      may_lose_from_ = next_;
    }
  }
  return reason;
}

std::string Subscription::pass_lost() {
  const uint64_t first = log_->readable_from(next_);
  was_overtaken_ = std::max(next_, first_kept_) < log_->first();
  lost_ += overtaken();
  const uint64_t from = std::exchange(next_, first);
  at_own_record_ = false;
  const Lost lost{.from = from, .to = first - 1, .records = first - from};
  return rpc::notification_line("lost", to_json(lost));
}

std::string Subscription::filter_text() const {
  size_t shown_bytes = 0, left_out = 0;
  const auto list = [&](std::optional<std::vector<std::string>>& shown,
                        const std::vector<std::string>& values) {
    if (values.empty()) return;
    shown.emplace();
    for (const std::string& value : values) {
      shown_bytes += value.size();
      shown_bytes <= max_shown_bytes ? shown->push_back(value) : static_cast<void>(++left_out);
    }
  };
  ShownFilter filter;
  list(filter.types, wanted_.types);
  list(filter.exclude, wanted_.exclude);
  list(filter.servers, wanted_.servers);
  list(filter.apps, wanted_.apps);
  list(filter.channels, wanted_.channels);
  list(filter.bridges, wanted_.bridges);
  list(filter.endpoints, wanted_.endpoints);
  if (announces_) filter.announce = true;
  if (left_out > 0) filter.more = left_out;
  return to_json(filter);
}

void Subscription::gather(size_t max_bytes, std::vector<iovec>& pieces) {
  pieces.clear();
  runs_.clear();
  if (filter_.takes_all()) {
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
    seq = filter_.next_match(*log_, seq, end);
    if (seq == end) break;
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

// Without an application; 0 is the number of those that came too late for one of their own.
bool Subscription::is_own(uint64_t seq) const {
  const uint16_t app = log_->entry(seq).app;
  if (app != 0) return log_->name(app).empty();
  JsonTape tape;
  record::Record record;
  return record::read_text(tape, log_->record_text(seq), record) && record.app.empty();
}

std::string Subscription::take_own_record(const control::Dispatcher& dispatcher,
                                          const control::AccessRule& rule) {
  at_own_record_ = false;
  const uint64_t seq = next_++;
  JsonTape tape;
  record::Record record;
  if (!record::read_text(tape, log_->record_text(seq), record)) return {};
  const bool malformed = record.type == "Malformed";
  if (record.type.find('.') == std::string::npos && !malformed)
    return std::string(log_->line(seq));  // an event
  record::Ids shown;
  for (size_t i = 0; i < record.ids.size(); ++i) {
    const auto id = record.ids[i];
    if (control::sees_id(dispatcher, record.server, id.kind, id.text, rule)) shown.add(id.kind, id.text);
  }
  if (record.type == "state.gone" && shown.size() == 0 && record.ids.size() > 0) return {};
  if (record.type == "state.changed") {  // it shows one object
    const auto [kind, id] = state::changed_object(record);
    const bool whole = !id.empty() && control::sees_id(dispatcher, record.server, kind, id, rule);
    return whole && filter_.matches_ids(record.ids) ? std::string(log_->line(seq)) : std::string();
  }
  record.ids = std::move(shown);
  if (!filter_.matches_ids(record.ids)) return {};  // it passed by what is not shown
  if (malformed) record.remove_member("text");      // it may be of any application
  return log_->line_of(record, seq);
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
