#include "record/ids.h"

#include <algorithm>

namespace aribus::record {
namespace {

using ari::Field;
using ari::Model;

constexpr size_t searched = 32;  // a list up to this length is searched from its start: nearly every one

// Which field of which model is an id.
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

// Fields that say "channel:<id>", "bridge:<id>", … of something else.
constexpr std::string_view target_fields[] = {"target_uri"};

void lift_target(std::string_view uri, Ids& into) {
  static constexpr std::pair<std::string_view, IdKind> schemes[] = {
      {"channel:", IdKind::channel}, {"bridge:", IdKind::bridge}, {"endpoint:", IdKind::endpoint}};
  for (const auto& [scheme, kind] : schemes) {
    if (uri.starts_with(scheme)) into.add(kind, uri.substr(scheme.size()));
  }
}

void lift_strings(const JsonValue& value, IdKind kind, Ids& into) {
  if (value.IsString()) into.add(kind, as_view(value));
  if (!value.IsArray()) return;
  for (const JsonValue& item : value.GetArray()) {
    if (item.IsString()) into.add(kind, as_view(item));
  }
}

bool has_string(const JsonValue& object, std::string_view name) {
  const JsonValue* value = find(object, name);
  return value != nullptr && value->IsString();
}

// The model that an object of unknown kind looks like, or nullptr.
const Model* recognise(const JsonValue& object) {
  static const Model* const channel = ari::find_model("Channel");
  static const Model* const bridge = ari::find_model("Bridge");
  static const Model* const playback = ari::find_model("Playback");
  static const Model* const recording = ari::find_model("LiveRecording");
  static const Model* const endpoint = ari::find_model("Endpoint");
  if (has_string(object, "id")) {
    if (has_string(object, "bridge_type")) return bridge;
    if (has_string(object, "media_uri")) return playback;
    if (has_string(object, "name") && has_string(object, "state")) return channel;
  }
  if (has_string(object, "technology") && has_string(object, "resource")) return endpoint;
  if (has_string(object, "name") && has_string(object, "target_uri")) return recording;
  return nullptr;
}

void lift_own(const JsonValue& object, const Model& model, Ids& into) {
  for (const IdField& known : id_fields) {
    if (known.model != model.name) continue;
    if (const JsonValue* value = find(object, known.field)) lift_strings(*value, known.kind, into);
  }
  for (const std::string_view name : target_fields) lift_target(find_string(object, name), into);
  if (model.name == "Endpoint" && has_string(object, "technology") && has_string(object, "resource")) {
    into.add(IdKind::endpoint, std::string(find_string(object, "technology")) + "/" +
                                   std::string(find_string(object, "resource")));
  }
}

}  // namespace

std::string_view field_name(IdKind kind) {
  static constexpr std::string_view names[id_kinds] = {"channels",   "bridges",   "playbacks",
                                                       "recordings", "endpoints", "devices"};
  return names[static_cast<size_t>(kind)];
}

void Ids::add(IdKind kind, std::string_view id) {
  if (id.empty()) return;
  auto& list = lists_[static_cast<size_t>(kind)];
  auto& seen = seen_[static_cast<size_t>(kind)];
  if (list.size() < searched) {
    if (std::ranges::find(list, id) == list.end()) list.emplace_back(id);
    return;
  }
  if (seen.empty()) seen.insert(list.begin(), list.end());
  if (seen.emplace(id).second) list.emplace_back(id);
}

void lift_ids(const JsonValue& value, const Model* model, Ids& into) {
  if (value.IsArray()) {
    for (const JsonValue& item : value.GetArray()) lift_ids(item, model, into);
    return;
  }
  if (!value.IsObject()) return;
  if (model == nullptr) model = recognise(value);
  if (model != nullptr) lift_own(value, *model, into);
  for (const auto& member : value.GetObject()) {
    const Field* field = model == nullptr ? nullptr : model->find(as_view(member.name));
    if (field != nullptr && field->type != ari::Type::model) continue;  // declared, and no object of ARI's
    lift_ids(member.value, field == nullptr ? nullptr : field->model, into);
  }
}

}  // namespace aribus::record
