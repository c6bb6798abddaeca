#include "control/visibility.h"

#include <algorithm>
#include <string>

#include "json/json_tape.h"

namespace aribus::control {
namespace {

using record::IdKind;
using state::Model;
using state::Object;

template <typename Apps>
bool sees_any(const AccessRule& rule, const Apps& apps) {
  return std::ranges::any_of(apps, [&](const std::string& app) { return rule.sees_app(app); });
}

bool sees_channel(const AccessRule& rule, const Object& channel) {
  if (!channel.app.empty() || channel.seen_by.empty()) return rule.sees_app(channel.app);
  return sees_any(rule, channel.seen_by);
}

template <typename Live>
bool sees_channel(const AccessRule& rule, const Live& live, std::string_view id) {
  const Object* channel = live.find(IdKind::channel, id);
  return channel != nullptr && sees_channel(rule, *channel);
}

template <typename Live>
bool sees_bridge(const AccessRule& rule, const Live& live, const Object& bridge) {
  JsonTape tape;
  const JsonView channels = tape.read(bridge.text).find("channels");
  bool empty = true;
  if (channels.valid()) {
    for (const auto& channel : channels.children()) {
      const JsonView member = channel.value();
      empty = false;
      if (member.kind() == JsonKind::string && sees_channel(rule, live, member.string())) return true;
    }
  }
  if (!empty) return false;
  return bridge.seen_by.empty() ? rule.sees_app("") : sees_any(rule, bridge.seen_by);
}

// A playback or recording, by the channel or bridge that it is on.
template <typename Live>
bool sees_media(const AccessRule& rule, const Live& live, const Object& media) {
  JsonTape tape;
  const JsonView uri = tape.read(media.text).find("target_uri");
  const std::string target = uri.valid() && uri.kind() == JsonKind::string ? uri.string() : "";
  const std::string on = target.substr(target.find(':') + 1);
  if (target.starts_with("channel:")) return sees_channel(rule, live, on);
  const Object* bridge = target.starts_with("bridge:") ? live.find(IdKind::bridge, on) : nullptr;
  return bridge != nullptr && sees_bridge(rule, live, *bridge);
}

template <typename Live>
bool sees(const AccessRule& rule, const Live& live, IdKind kind, const Object& object) {
  if (rule.apps.empty()) return true;
  switch (kind) {
    case IdKind::channel:
      return sees_channel(rule, object);
    case IdKind::bridge:
      return sees_bridge(rule, live, object);
    case IdKind::playback:
    case IdKind::recording:
      return sees_media(rule, live, object);
    default:
      return rule.sees_app("");
  }
}

}  // namespace

bool sees_object(const AccessRule& rule, const Model& model, IdKind kind, const Object& object) {
  return sees(rule, model, kind, object);
}

bool sees_object(const AccessRule& rule, const state::Frozen& model, IdKind kind, const Object& object) {
  return sees(rule, model, kind, object);
}

bool sees_call(const AccessRule& rule, const state::Call& call) {
  return rule.apps.empty() || sees_any(rule, call.apps);
}

bool sees_whole_call(const AccessRule& rule, const std::vector<std::string>& apps) {
  return rule.apps.empty() || std::ranges::all_of(apps, [&](const std::string& app) { return rule.sees_app(app); });
}

bool sees_id(const AccessRule& rule, const Model& model, IdKind kind, std::string_view id) {
  if (rule.apps.empty()) return true;
  if (kind == IdKind::call) {
    const state::Call* call = model.calls().find(id);
    return call != nullptr && sees_call(rule, *call);
  }
  const Object* object = model.find(kind, id);
  return (object != nullptr && sees_object(rule, model, kind, *object)) ||
         sees_any(rule, model.seen_by(kind, id));
}

}  // namespace aribus::control
