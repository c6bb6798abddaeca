#include "record/id_fields.h"

#include <algorithm>

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

bool has_endpoint_id(std::string_view model) {
  return model == "Endpoint";
}

}  // namespace aribus::record
