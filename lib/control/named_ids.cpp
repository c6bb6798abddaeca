#include "control/named_ids.h"

#include <algorithm>

#include "pbx/creating_operations.h"

namespace aribus::control {
namespace {

using record::IdKind;

struct IdParam {
  std::string_view name;
  IdKind kind;
};
constexpr IdParam id_params[] = {
    {"bridgeId", IdKind::bridge},     {"channel", IdKind::channel},         {"channelId", IdKind::channel},
    {"channels", IdKind::channel},    {"otherChannelId", IdKind::channel},  {"originator", IdKind::channel},
    {"playbackId", IdKind::playback}, {"recordingName", IdKind::recording}, {"snoopId", IdKind::channel},
};

}  // namespace

std::vector<NamedId> named_ids(const JsonValue& params) {
  std::vector<NamedId> named;
  for (const IdParam& param : id_params) {
    const JsonValue* value = find(params, param.name);
    if (value == nullptr) continue;
    if (value->IsString()) named.push_back({param.name, param.kind, as_view(*value)});
    if (!value->IsArray()) continue;
    for (const JsonValue& item : value->GetArray()) {
      if (item.IsString()) named.push_back({param.name, param.kind, as_view(item)});
    }
  }
  // In channels.record and bridges.record, which have `format`, `name` is the recording.
  if (find(params, "format") != nullptr) {
    if (const std::string_view name = find_string(params, "name"); !name.empty())
      named.push_back({"name", IdKind::recording, name});
  }
  return named;
}

std::optional<IdKind> created_kind(const Method& method, std::string_view parameter) {
  if (parameter == "otherChannelId") return IdKind::channel;
  for (const std::string_view operation : method.operations) {
    const pbx::CreatingOperation* creates = pbx::find_creating_operation(operation);
    if (creates != nullptr && creates->id == parameter) return creates->kind;
  }
  return {};
}

Result<std::vector<std::string>> order_keys(const JsonValue& params) {
  std::vector<std::string> keys;
  size_t longest = 0;
  bool plain = true;
  for (const NamedId& id : named_ids(params)) {
    longest = std::max(longest, id.text.size());
    plain &= std::ranges::none_of(id.text, [](unsigned char c) { return c < ' ' || c == 0x7F; });
    keys.push_back(std::to_string(static_cast<int>(id.kind)) + ":" + std::string(id.text));
  }
  const auto wrong = [](const std::string& what) {
    return Error{ErrorKind::invalid_params, "params: " + what + " are expected", {}};
  };
  if (keys.size() > max_named_ids) {
    return wrong(std::to_string(keys.size()) + " ids are named; at most " + std::to_string(max_named_ids));
  }
  if (longest > record::max_id_bytes) {
    return wrong("an id has " + std::to_string(longest) + " bytes; at most " +
                 std::to_string(record::max_id_bytes));
  }
  // Asterisk copies the id into a header of its answer without escaping a line break.
  if (!plain) return wrong("an id holds a control character, as a line's end; ids without one");
  return keys;
}

}  // namespace aribus::control
