#include "cli/groups_view.h"

#include <algorithm>

#include "cli/paragraph.h"
#include "cli/terminal.h"

namespace aribus::cli {
namespace {

constexpr size_t min_columns = 80;

bool is_set(const JsonValue& object, std::string_view name) {
  const JsonValue* value = find(object, name);
  return value != nullptr && value->IsBool() && value->GetBool();
}

Text member_row(std::string_view member, std::string_view state, Style style, const std::string& connection,
                const std::string& calls, const std::string& capacity) {
  return "  " + Text(fitted(member, 32), Style::bold) + " " + Text(fitted(state, 10), style) +
         right_aligned(connection, 12) + right_aligned(calls, 11) + right_aligned(capacity, 12);
}

Text call_row(std::string_view call, std::string_view state, Style style, std::string_view member,
              const std::string& epoch, std::string_view time, size_t columns) {
  return "  " + Text(fitted(call, 31 + std::max(columns, min_columns) - min_columns)) + " " +
         Text(fitted(state, 8), style) + " " + Text(fitted(member, 12), Style::bold) +
         right_aligned(epoch, 14) + " " + fitted(time, 10);
}

void add_member(std::vector<Text>& out, const JsonValue& member) {
  const JsonValue* connection = find(member, "connection");
  const bool is_away = connection == nullptr || !connection->IsUint64();
  std::string_view state = "connected";
  Style style = Style::green;
  if (is_away) {
    state = "away", style = Style::red;
  } else if (is_set(member, "suspended")) {
    state = "suspended", style = Style::red;
  } else if (is_set(member, "draining")) {
    state = "leaving", style = Style::yellow;
  }
  out.push_back(member_row(
      find_string(member, "member"), state, style, is_away ? "-" : std::to_string(connection->GetUint64()),
      std::to_string(number_of(member, "calls")),
      find(member, "capacity") == nullptr ? "unlimited" : std::to_string(number_of(member, "capacity"))));
}

void add_call(std::vector<Text>& out, const JsonValue& call, WallTime now, size_t columns) {
  const std::string_view state = find_string(call, "state");
  const Style style = state == "accepted"                         ? Style::green
                      : state == "waiting" || state == "fallback" ? Style::red
                                                                  : Style::yellow;
  const std::string_view member = find_string(call, "member");
  const auto entered = parse_time(find_string(call, "entered"));
  out.push_back(call_row(find_string(call, "call"), state, style, member.empty() ? "-" : member,
                         std::to_string(number_of(call, "epoch")),
                         entered ? duration_text(*entered, now) : "?", columns));
}

Text title_of(const JsonValue& group, const JsonValue& members) {
  Text title(find_string(group, "name"), Style::bold);
  title += ": " + counted(members.Size(), "member");
  const uint64_t calls = find(group, "calls")->Size() + number_of(group, "more");
  title += ", " + counted(calls, "call");
  if (const uint64_t waiting = number_of(group, "waiting"); waiting > 0)
    title += Text(", ") + Text(std::to_string(waiting) + " waiting", Style::red);
  if (const std::string apps = joined(group, "apps"); !apps.empty()) title += "; applications: " + apps;
  title += Text("; fallback: ") + find_string(group, "fallback");
  if (is_set(group, "exclusive")) title += "; exclusive";
  title += is_set(group, "configured") ? "; configured" : "; created by its members";
  return title;
}

void add(std::vector<Text>& out, const JsonValue& group, WallTime now, size_t columns) {
  const JsonValue& members = *find(group, "members");
  const JsonValue& calls = *find(group, "calls");
  for (Text& line : paragraph(title_of(group, members), columns, 0)) out.push_back(std::move(line));
  if (!members.Empty())
    out.push_back(member_row("MEMBER", "STATE", Style::plain, "CONNECTION", "CALLS", "CAPACITY"));
  for (const JsonValue& member : members.GetArray()) add_member(out, member);
  if (!calls.Empty())
    out.push_back(call_row("CALL", "STATE", Style::plain, "MEMBER", "EPOCH", "FOR", columns));
  for (const JsonValue& call : calls.GetArray()) add_call(out, call, now, columns);
  if (const uint64_t more = number_of(group, "more"); more > 0)
    out.emplace_back("  and " + counted(more, "more call"));
}

}  // namespace

std::vector<Text> groups_lines(const JsonValue& groups, WallTime now, size_t columns) {
  std::vector<Text> out;
  for (const JsonValue& group : find(groups, "groups")->GetArray()) {
    if (!out.empty()) out.emplace_back();
    add(out, group, now, columns);
  }
  if (out.empty()) out.emplace_back("There is no worker group.");
  return out;
}

}  // namespace aribus::cli
