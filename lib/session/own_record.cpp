#include "session/own_record.h"

#include "control/visibility.h"
#include "json/json_tape.h"
#include "record/record_text.h"
#include "state/model.h"

namespace aribus::session {

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
  record::IdSet shown;
  for (size_t i = 0; i < record.ids.size(); ++i) {
    const auto id = record.ids[i];
    if (sees(id.kind, id.text)) shown.add(id.kind, id.text);
  }
  if (record.type == "state.gone" && shown.size() == 0 && record.ids.size() > 0) return {};
  if (record.type == "state.changed") {  // it is about one object
    const auto [kind, id] = state::changed_object(record);
    const bool whole = !id.empty() && sees(kind, id);
    return whole && filter.matches_ids(record.ids) ? std::string(line) : std::string();
  }
  record.ids = std::move(shown);
  if (!filter.matches_ids(record.ids)) return {};  // only an id that is not shown matched
  if (malformed) record.remove_member("text");     // the text may be of any application
  return log.line_of(record, seq);
}

}  // namespace aribus::session
