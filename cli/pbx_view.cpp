#include "cli/pbx_view.h"

#include <algorithm>

#include "cli/paragraph.h"
#include "cli/terminal.h"

namespace aribus::cli {
namespace {

// The objects in the list `name`; none when it is no list.
std::vector<const JsonValue*> objects(const JsonValue& object, std::string_view name) {
  std::vector<const JsonValue*> out;
  const JsonValue* list = find(object, name);
  for (rapidjson::SizeType i = 0; list != nullptr && list->IsArray() && i < list->Size(); ++i) {
    if ((*list)[i].IsObject()) out.push_back(&(*list)[i]);
  }
  return out;
}

Style style_of_pbx(std::string_view state) {
  return state == "ready"                         ? Style::green
         : state == "down" || state == "replaced" ? Style::red
                                                  : Style::yellow;
}

// A row of the table, of 80 cells.
Text row(std::string_view pbx, std::string_view state, Style style, std::string_view version,
         std::string_view ready, const std::string& behind, const std::string& lost, Style lost_style) {
  return Text(fitted(pbx, 25), Style::bold) + " " + Text(fitted(state, 10), style) + " " +
         fitted(version, 12) + " " + fitted(ready, 10) + right_aligned(behind, 10) +
         Text(right_aligned(lost, 10), lost_style);
}

Text server_text(const JsonValue& server) {
  const std::string_view state = find_string(server, "state");
  Text text = Text(find_string(server, "name")) + ": " + Text(state, style_of_pbx(state));
  if (const auto version = find_string(server, "version"); !version.empty())
    text += Text(", Asterisk ") + version;
  if (const std::string apps = joined(server, "apps"); !apps.empty()) text += ", applications: " + apps;
  if (const auto reason = find_string(server, "reason"); !reason.empty())
    text += Text("; ") + Text(reason, Style::red);
  return text;
}

void add(std::vector<Text>& out, const JsonValue& pbx, size_t columns) {
  const auto servers = objects(pbx, "servers");
  const auto ready = std::ranges::count_if(
      servers, [](const JsonValue* server) { return find_string(*server, "state") == "ready"; });
  const JsonValue nothing(rapidjson::kObjectType);
  const JsonValue* found = find(pbx, "records");
  const JsonValue& records = found == nullptr || !found->IsObject() ? nothing : *found;
  found = find(pbx, "bridge");
  const JsonValue& bridge = found == nullptr || !found->IsObject() ? nothing : *found;
  const uint64_t lost = number_of(records, "lost");
  const std::string_view state = find_string(pbx, "state");
  out.push_back(row(find_string(pbx, "pbx"), state, style_of_pbx(state), find_string(pbx, "aribusd"),
                    std::to_string(ready) + " of " + std::to_string(servers.size()),
                    find(records, "behind") == nullptr ? "?" : std::to_string(number_of(records, "behind")),
                    std::to_string(lost), lost > 0 ? Style::red : Style::plain));
  const auto line = [&](const Text& text) {
    for (Text& part : paragraph(text, columns, 4)) out.push_back(std::move(part));
  };
  if (const auto fault = find_string(pbx, "fault"); !fault.empty()) line(Text(fault, Style::red));
  if (const auto reason = find_string(pbx, "reason"); !reason.empty())
    line(Text("aribusd: ") + Text(reason, Style::red));
  for (const JsonValue* server : servers) line(server_text(*server));
  if (const JsonValue* publishing = find(records, "publishing");
      publishing != nullptr && publishing->IsBool() && !publishing->GetBool())
    line(Text("no records are published: ") + Text(find_string(records, "reason"), Style::red));
  const std::string rules = joined(pbx, "rules");
  line((rules.empty() ? Text("no commands") : Text("commands of the rules: " + rules)) + "; aribus-nats " +
       find_string(bridge, "version") + " since " + find_string(bridge, "started"));
}

}  // namespace

std::vector<Text> pbx_lines(const JsonValue& list, size_t columns) {
  std::vector<Text> out;
  const auto pbxs = objects(list, "pbxs");
  if (pbxs.empty()) {
    out.emplace_back("No PBX is on the bus: no aribus-nats answers.");
    return out;
  }
  out.push_back(row("PBX", "STATE", Style::plain, "ARIBUSD", "ASTERISKS", "BEHIND", "LOST", Style::plain));
  for (const JsonValue* pbx : pbxs) add(out, *pbx, columns);
  return out;
}

}  // namespace aribus::cli
