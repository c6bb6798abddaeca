#include "session/own_record.h"

#include "control/visibility.h"
#include "json/json_builder.h"
#include "json/json_tape.h"
#include "record/record_text.h"
#include "state/model.h"

namespace aribus::session {
namespace {

// Leaves out the legs that are not shown.
void keep_legs(record::Record& record, const record::IdSet& shown) {
  JsonTape tape;
  std::vector<std::string> legs;
  for (const auto& leg : tape.read(record.member("legs")).children()) {
    if (shown.contains(record::IdKind::channel, leg.value().string_at("channel"))) legs.emplace_back(leg.value().text());
  }
  record.remove_member("legs");
  record.add_member("legs", array_text(legs));
}

// A record of a call has all applications that it was in, or they are the record's own one.
bool sees_whole_call_of(const record::Record& record, const control::AccessRule& rule) {
  JsonTape tape;
  std::vector<std::string> apps;
  const JsonView listed = tape.read(record.member("apps"));
  if (listed.valid()) {
    for (const auto& app : listed.children()) apps.push_back(app.value().string());
  }
  return control::sees_whole_call(rule, apps);
}

}  // namespace

std::string visible_line(const bus::RecordLog& log, uint64_t seq, const bus::Filter& filter,
                         const control::Dispatcher& dispatcher, const control::AccessRule& rule) {
  JsonTape tape;
  record::Record record;
  if (!record::read_text(tape, log.record_text(seq), record)) return {};
  const std::string_view line = log.line(seq);
  const bool malformed = record.type == "Malformed";
  if (record.type.find('.') == std::string::npos && !malformed) return std::string(line);  // an event
  const pbx::Server* server = dispatcher.find_server(record.server);
  const auto sees = [&](record::IdKind kind, std::string_view id) {
    return rule.apps.empty() || (server != nullptr && control::sees_id(rule, server->model(), kind, id));
  };
  const bool is_call = record.type.starts_with("call.");  // of an application that the rule shows
  const bool whole_call = is_call && sees_whole_call_of(record, rule);
  record::IdSet shown;
  for (size_t i = 0; i < record.ids.size(); ++i) {
    const auto id = record.ids[i];
    if (whole_call || (id.kind == record::IdKind::call && is_call) || sees(id.kind, id.text)) shown.add(id.kind, id.text);
  }
  if (record.type == "state.gone" && shown.size() == 0 && record.ids.size() > 0) return {};
  if (record.type == "state.changed") {  // it is about one object
    const auto [kind, id] = state::changed_object(record);
    const bool whole = !id.empty() && sees(kind, id);
    return whole && filter.matches_ids(record.ids) ? std::string(line) : std::string();
  }
  if (record.type == "call.ended" && shown.size() < record.ids.size()) keep_legs(record, shown);
  record.ids = std::move(shown);
  if (!filter.matches_ids(record.ids)) return {};  // only an id that is not shown matched
  if (malformed) record.remove_member("text");     // the text may be of any application
  return log.line_of(record, seq);
}

}  // namespace aribus::session
