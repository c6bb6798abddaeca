#include "record/id_fields.h"

#include <algorithm>
#include <utility>

namespace aribus::record {
namespace {

struct IdField {
  std::string_view model;
  std::string_view field;
  IdKind kind;
};
constexpr IdField id_fields[] = {
    {"Channel", "id", IdKind::channel},
    {"Bridge", "id", IdKind::bridge},
    {"Bridge", "channels", IdKind::channel},
    {"Bridge", "video_source_id", IdKind::channel},
    {"Playback", "id", IdKind::playback},
    {"LiveRecording", "name", IdKind::recording},
    {"StoredRecording", "name", IdKind::recording},
    {"Endpoint", "channel_ids", IdKind::channel},
    {"DeviceState", "name", IdKind::device},
    {"BridgeAttendedTransfer", "destination_bridge", IdKind::bridge},
    {"BridgeVideoSourceChanged", "old_video_source_id", IdKind::channel},
    {"Application", "channel_ids", IdKind::channel},
    {"Application", "bridge_ids", IdKind::bridge},
    {"Application", "endpoint_ids", IdKind::endpoint},
    {"Application", "device_names", IdKind::device},
    {"RTPstat", "channel_uniqueid", IdKind::channel},
};

// In any model.
constexpr std::string_view target_fields[] = {"target_uri"};

bool has_string(JsonView object, std::string_view name) {
  const JsonView value = object.find(name);
  return value.valid() && value.kind() == JsonKind::string;
}

}  // namespace

std::optional<IdKind> id_field(std::string_view model, std::string_view field) {
  for (const IdField& known : id_fields) {
    if (known.model == model && known.field == field) return known.kind;
  }
  return {};
}

bool is_target_field(std::string_view field) {
  return std::ranges::find(target_fields, field) != std::end(target_fields);
}

void add_target(IdSet& ids, std::string_view uri) {
  static constexpr std::pair<std::string_view, IdKind> schemes[] = {
      {"channel:", IdKind::channel}, {"bridge:", IdKind::bridge}, {"endpoint:", IdKind::endpoint}};
  for (const auto& [scheme, kind] : schemes) {
    if (uri.starts_with(scheme)) ids.add(kind, uri.substr(scheme.size()));
  }
}

std::string_view recognised_model(JsonView object) {
  if (has_string(object, "id")) {
    if (has_string(object, "bridge_type")) return "Bridge";
    if (has_string(object, "media_uri")) return "Playback";
    if (has_string(object, "name") && has_string(object, "state")) return "Channel";
  }
  if (has_string(object, "technology") && has_string(object, "resource")) return "Endpoint";
  if (has_string(object, "name") && has_string(object, "target_uri")) return "LiveRecording";
  return {};
}

bool has_endpoint_id(std::string_view model) {
  return model == "Endpoint";
}

}  // namespace aribus::record
