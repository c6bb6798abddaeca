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

// What a rule shows.
struct Shown {
  const AccessRule& rule;

  [[nodiscard]] bool app(std::string_view name) const { return rule.sees_app(name); }
  [[nodiscard]] bool empty_bridge(std::string_view, const Object& bridge) const {
    return bridge.seen_by.empty() ? rule.sees_app("") : sees_any(rule, bridge.seen_by);
  }
};

// What commands of a rule may act on.
struct Reached {
  const AccessRule& rule;
  const CreatedBridge& created;

  [[nodiscard]] bool app(std::string_view name) const { return rule.owns_app(name); }
  [[nodiscard]] bool empty_bridge(std::string_view id, const Object& bridge) const {
    return created(id, bridge);
  }
};

template <typename By>
bool has_channel(const By& by, const Object& channel) {
  if (!channel.app.empty() || channel.seen_by.empty()) return by.app(channel.app);
  return std::ranges::any_of(channel.seen_by, [&](const std::string& app) { return by.app(app); });
}

template <typename By, typename Live>
bool has_channel(const By& by, const Live& live, std::string_view id) {
  const Object* channel = live.find(IdKind::channel, id);
  return channel != nullptr && has_channel(by, *channel);
}

template <typename By, typename Live>
bool has_bridge(const By& by, const Live& live, std::string_view id, const Object& bridge) {
  JsonTape tape;
  const JsonView channels = tape.read(bridge.text).find("channels");
  bool empty = true;
  if (channels.valid()) {
    for (const auto& channel : channels.children()) {
      const JsonView member = channel.value();
      empty = false;
      if (member.kind() == JsonKind::string && has_channel(by, live, member.string())) return true;
    }
  }
  return empty && by.empty_bridge(id, bridge);
}

// A playback or recording, by the channel or bridge that it is on.
template <typename By, typename Live>
bool has_media(const By& by, const Live& live, const Object& media) {
  JsonTape tape;
  const JsonView uri = tape.read(media.text).find("target_uri");
  const std::string target = uri.valid() && uri.kind() == JsonKind::string ? uri.string() : "";
  const std::string on = target.substr(target.find(':') + 1);
  if (target.starts_with("channel:")) return has_channel(by, live, on);
  const Object* bridge = target.starts_with("bridge:") ? live.find(IdKind::bridge, on) : nullptr;
  return bridge != nullptr && has_bridge(by, live, on, *bridge);
}

template <typename By, typename Live>
bool has(const By& by, const Live& live, IdKind kind, std::string_view id, const Object& object) {
  switch (kind) {
    case IdKind::channel:
      return has_channel(by, object);
    case IdKind::bridge:
      return has_bridge(by, live, id, object);
    case IdKind::playback:
    case IdKind::recording:
      return has_media(by, live, object);
    default:
      return by.app("");
  }
}

template <typename Live>
bool sees(const AccessRule& rule, const Live& live, IdKind kind, const Object& object) {
  return rule.apps.empty() || has(Shown{rule}, live, kind, "", object);
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
  return rule.apps.empty() ||
         std::ranges::all_of(apps, [&](const std::string& app) { return rule.sees_app(app); });
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

bool reaches_object(const AccessRule& rule, const Model& model, IdKind kind, std::string_view id,
                    const CreatedBridge& created) {
  if (kind == IdKind::call) {
    const state::Call* call = model.calls().find(id);
    return call != nullptr &&
           std::ranges::any_of(call->apps, [&](const std::string& app) { return rule.owns_app(app); });
  }
  const Object* object = model.find(kind, id);
  return object != nullptr && has(Reached{rule, created}, model, kind, id, *object);
}

}  // namespace aribus::control
