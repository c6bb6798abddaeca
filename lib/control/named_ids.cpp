#include "control/named_ids.h"

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
  // channels.record and bridges.record call the recording's name `name`.
  if (find(params, "format") != nullptr) {
    if (const std::string_view name = find_string(params, "name"); !name.empty())
      named.push_back({"name", IdKind::recording, name});
  }
  return named;
}

}  // namespace aribus::control
