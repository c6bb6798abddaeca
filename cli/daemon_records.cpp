#include "cli/daemon_records.h"

#include <optional>

#include "cli/terminal.h"

namespace aribus::cli {
namespace {

constexpr size_t max_servers = 10'000;  // more are forgotten, all at once: no configuration has as many

std::string field(const JsonValue& record, std::string_view name) {
  return std::string(find_string(record, name));
}

// The ids that the record lists, as "c1, c2, b1".
std::string listed(const JsonValue& record) {
  std::string out;
  for (const char* name : {"channels", "bridges", "playbacks", "recordings", "endpoints", "devices"}) {
    const std::string ids = joined(record, name);
    if (!ids.empty()) out += (out.empty() ? "" : ", ") + ids;
  }
  return out;
}

Text gap(const JsonValue& record, WallTime now) {
  const auto from = parse_time(find_string(record, "from")), to = parse_time(find_string(record, "to"));
  const std::string when = from && to ? "from " + time_text(*from, now) + " to " + time_text(*to, now) +
                                            " (" + duration_text(*from, *to) + ")"
                                      : std::string("for a while");
  return Text("events " + when + " may be missing: " + field(record, "reason"), Style::red);
}

Text resynced(const JsonValue& record) {
  const uint64_t came = number_of(record, "came"), changed = number_of(record, "changed"),
                 ended = number_of(record, "ended");
  const std::string what = came + changed + ended == 0
                               ? "nothing had changed"
                               : std::to_string(came) + " appeared, " + std::to_string(changed) +
                                     " changed, " + std::to_string(ended) + " ended";
  return Text("what is known of calls is as Asterisk has it; unseen before: " + what, Style::green);
}

Text resolved(const JsonValue& record) {
  const std::string_view outcome = find_string(record, "outcome");
  const std::string what = outcome == "done"       ? "it was carried out"
                           : outcome == "not_done" ? "it was not carried out"
                                                   : "what became of it stays unknown";
  const std::string text = field(record, "method") + " had no answer: " + what + ", " +
                           field(record, "reason") + " (command " + field(record, "command") + ")";
  return Text(text, outcome == "done" ? Style::plain : Style::yellow);
}

}  // namespace

std::string time_text(WallTime time, WallTime now) {
  const std::string text = to_rfc3339(time), today = to_rfc3339(now);
  constexpr size_t of_date = 11;  // with the T behind it
  return text.compare(0, of_date, today, 0, of_date) == 0 ? text.substr(of_date) : text;
}

Text DaemonRecords::connected(const JsonValue& record, WallTime now) {
  if (started_.size() >= max_servers) started_.clear();
  std::string& before = started_[field(record, "server")];
  const std::string started = field(record, "startup_time");
  const auto at = parse_time(started);
  std::string text = "connected to Asterisk " + field(record, "version");
  if (at && !before.empty() && before != started) text += ", which was restarted at " + time_text(*at, now);
  before = started;
  return Text(text, Style::green);
}

Text DaemonRecords::sentence(const JsonValue& record, WallTime now, bool all) {
  const std::string_view type = find_string(record, "type");
  if (type == "server.connected") return connected(record, now);
  if (type == "server.disconnected") return Text("disconnected: " + field(record, "reason"), Style::red);
  if (type == "server.gap") return gap(record, now);
  if (type == "server.resynced") return resynced(record);
  if (type == "server.removed") return "was removed from the configuration: no more records of it";
  if (type == "server.replaced") {
    return Text("another client has taken the application " + field(record, "app") +
                    ": its events go there; 'aribus call reclaim' takes it back",
                Style::red);
  }
  if (type == "command.resolved") return resolved(record);
  if (type == "Malformed") {
    return Text("Asterisk sent a message that can't be read: " + field(record, "invalid"), Style::red);
  }
  if (all && type == "state.gone") return "Asterisk sends no more events about " + listed(record);
  if (all && type == "state.changed") return "changed without an event: " + listed(record);
  return {};
}

}  // namespace aribus::cli
