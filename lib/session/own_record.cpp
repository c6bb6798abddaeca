#include "session/own_record.h"

#include <algorithm>

#include "control/visibility.h"
#include "json/json_builder.h"
#include "json/json_tape.h"
#include "record/record_text.h"
#include "state/model.h"

namespace aribus::session {
namespace {

constexpr size_t ids_at_once = 4096;

// The record that was read last, as long as somebody looks at it.
struct LatestRead {
  const bus::RecordLog* log = nullptr;
  uint64_t seq = 0;
  std::weak_ptr<const record::Record> record;
};

std::shared_ptr<const record::Record> read(const bus::RecordLog& log, uint64_t seq) {
  static LatestRead latest;  // for all sessions
  if (latest.log == &log && latest.seq == seq) {
    if (auto record = latest.record.lock()) return record;
  }
  JsonTape tape;
  const auto record = std::make_shared<record::Record>();
  if (!record::read_text(tape, log.record_text(seq), *record)) return nullptr;
  latest = {&log, seq, record};
  return record;
}

// Whether the rule shows everything about a call: the record names all applications that it was in, or is of
// its only one.
bool sees_whole_call_of(const record::Record& record, const control::AccessRule& rule) {
  JsonTape tape;
  std::vector<std::string> apps;
  const JsonView listed = tape.read(record.member("apps"));
  if (listed.valid()) {
    for (const auto& app : listed.children()) apps.push_back(app.value().string());
  }
  return control::sees_whole_call(rule, apps);
}

// Leaves out the legs that are not shown.
void keep_legs(record::Record& record) {
  JsonTape tape;
  std::vector<std::string> legs;
  const JsonView listed = tape.read(record.member("legs"));
  if (!listed.valid()) return;
  for (const auto& leg : listed.children()) {
    if (record.ids.contains(record::IdKind::channel, leg.value().string_at("channel")))
      legs.emplace_back(leg.value().text());
  }
  record.remove_member("legs");
  record.add_member("legs", array_text(legs));
}

// `record` with those of its ids that are shown.
record::Record with_ids(const record::Record& record, const std::vector<bool>& shown) {
  record::Record part{.time = record.time,
                      .server = record.server,
                      .app = record.app,
                      .type = record.type,
                      .declared = record.declared,
                      .ids = {},
                      .fields = record.fields,
                      .members = record.members};
  for (size_t i = 0; i < shown.size(); ++i) {
    const record::IdSet::Id id = record.ids[i];
    if (shown[i]) part.ids.add_new(id.kind, id.text, id.hash);
  }
  return part;
}

}  // namespace

bool is_about_call(std::string_view type) {
  return type.starts_with("call.");
}

VisibleLine::VisibleLine(const bus::RecordLog& log, uint64_t seq)
    : log_(log), seq_(seq), record_(read(log, seq)) {}

std::optional<std::string> VisibleLine::next(const bus::Filter& filter, const control::Dispatcher& dispatcher,
                                             const control::AccessRule& rule) {
  if (!record_) return "";
  const record::Record& record = *record_;
  const bool malformed = record.type == "Malformed";
  if (record.type.find('.') == std::string::npos && !malformed)
    return std::string(log_.line(seq_));  // an event
  const pbx::Server* server = dispatcher.find_server(record.server);
  const auto sees = [&](record::IdKind kind, std::string_view id) {
    return rule.apps.empty() || (server != nullptr && control::sees_id(rule, server->model(), kind, id));
  };
  const bool is_call = is_about_call(record.type);
  if (is_call && sees_whole_call_of(record, rule)) return std::string(log_.line(seq_));
  const size_t end = std::min(shown_.size() + ids_at_once, record.ids.size());
  while (shown_.size() < end) {
    const auto id = record.ids[shown_.size()];
    shown_.push_back((is_call && id.kind == record::IdKind::call) || sees(id.kind, id.text));
  }
  if (end < record.ids.size()) return {};
  record::Record part = with_ids(record, shown_);
  if (record.type == "state.gone" && part.ids.size() == 0 && record.ids.size() > 0) return "";
  if (record.type == "state.changed") {  // it is about one object
    const auto [kind, id] = state::changed_object(record);
    const bool whole = !id.empty() && sees(kind, id);
    return whole && filter.matches_ids(record.ids) ? std::string(log_.line(seq_)) : std::string();
  }
  if (!filter.matches_ids(part.ids)) return "";  // only an id that is not shown matched
  if (is_call) keep_legs(part);
  if (malformed) part.remove_member("text");  // the text may be of any application
  return log_.line_of(part, seq_);
}

}  // namespace aribus::session
