#include "cli/clients_view.h"

#include <algorithm>

#include "cli/paragraph.h"
#include "cli/terminal.h"

namespace aribus::cli {
namespace {

// A row of the table, of 80 cells. Numbers that are longer than their columns move the rest.
struct Row {
  std::string_view program, user, rule, time;
  std::string pid, behind, sent, lost;
  bool has_behind = true;  // else the time has its place, too
  Style lost_style = Style::plain;

  [[nodiscard]] Text text() const {
    return Text(fitted(program, 15), Style::bold) + " " + right_aligned(pid, 7) + " " + fitted(user, 9) +
           " " + fitted(rule, 9) + " " +
           (has_behind ? fitted(time, 13) + right_aligned(behind, 8) : fitted(time, 21)) +
           right_aligned(sent, 8) + Text(right_aligned(lost, 7), lost_style);
  }
};

std::string between(const JsonValue& client, std::string_view name, WallTime to,
                    std::string_view after = {}) {
  const auto from = parse_time(find_string(client, name));
  return from ? duration_text(*from, to) + std::string(after) : "?";
}

// "StasisStart, Channel*; applications: demo": what it is subscribed to.
std::string filter_of(const JsonValue& subscription) {
  std::string out;
  const auto add = [&](const char* name, const char* label) {
    const JsonValue* value = find(subscription, name);
    const std::string names =
        value != nullptr && value->IsString() ? std::string(as_view(*value)) : joined(subscription, name);
    if (!names.empty()) out += (out.empty() ? "" : "; ") + std::string(label) + names;
  };
  add("types", "");
  add("exclude", "not ");
  add("servers", "servers: ");
  add("apps", "applications: ");
  add("channels", "channels: ");
  add("bridges", "bridges: ");
  add("endpoints", "endpoints: ");
  return out.empty() ? "all records" : out;
}

// What has no column; `ends` is about the end of its connection.
Text details(const JsonValue& client, const std::string& ends) {
  Text out(ends);
  const JsonValue* subscription = find(client, "subscription");
  out += subscription != nullptr && subscription->IsObject() ? "subscribed to " + filter_of(*subscription)
                                                             : std::string("not subscribed");
  out += "; " + counted(number_of(client, "requests"), "request");
  if (const uint64_t pending = number_of(client, "pending"); pending > 0)
    out += ", " + std::to_string(pending) + " of them not answered yet";
  out += Text("; socket ") + find_string(client, "socket");
  return out;
}

void add(std::vector<Text>& out, const JsonValue& client, const std::string& time, bool has_left,
         const std::string& ends, size_t columns) {
  const uint64_t lost = number_of(client, "lost");
  const std::string_view program = find_string(client, "program");
  std::string user(find_string(client, "user"));
  if (user.empty()) user = std::to_string(number_of(client, "uid"));
  const Row row{.program = program.empty() ? "?" : program,
                .user = user,
                .rule = find_string(client, "rule"),
                .time = time,
                .pid = std::to_string(number_of(client, "pid")),
                .behind = std::to_string(number_of(client, "behind")),
                .sent = std::to_string(number_of(client, "sent")),
                .lost = std::to_string(lost),
                .has_behind = !has_left,
                .lost_style = lost > 0 ? Style::red : Style::plain};
  out.push_back(row.text());
  for (Text& line : paragraph(details(client, ends), columns, 4)) out.push_back(std::move(line));
}

}  // namespace

std::vector<Text> clients_lines(const JsonValue& clients, WallTime now, size_t columns) {
  std::vector<Text> out;
  const auto connected = find(clients, "clients")->GetArray();
  if (connected.Empty()) {
    out.emplace_back("No program is connected.");
  } else {
    out.push_back(Row{"PROGRAM", "USER", "RULE", "CONNECTED FOR", "PID", "BEHIND", "SENT", "LOST"}.text());
  }
  for (const JsonValue& client : connected) {
    add(out, client, between(client, "since", now), false, "", columns);
  }
  const JsonValue* left = find(clients, "left");
  if (left == nullptr || left->Empty()) return out;
  out.emplace_back();
  out.push_back(Row{"LEFT", "USER", "RULE", "WHEN", "PID", "", "SENT", "LOST", false}.text());
  for (const JsonValue& client : left->GetArray()) {
    add(out, client, between(client, "until", now, " ago"), true,
        std::string(find_string(client, "reason")) + "; from " + std::string(find_string(client, "since")) +
            " to " + std::string(find_string(client, "until")) + "; ",
        columns);
  }
  return out;
}

}  // namespace aribus::cli
