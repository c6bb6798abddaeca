#include "control/methods/state_methods.h"

#include <array>
#include <utility>

#include "json/json_builder.h"
#include "record/call.h"

namespace aribus::control {
namespace {

using ari::Parameter;
using record::IdKind;

// ARI's model of an object.
std::string_view model_name(IdKind kind) {
  static constexpr std::string_view models[] = {"Channel",       "Bridge",   "Playback",
                                                "LiveRecording", "Endpoint", "DeviceState"};
  return models[static_cast<size_t>(kind)];
}

std::string object_schema(const std::vector<std::string_view>& required, const ObjectBuilder& members) {
  return ObjectBuilder()
      .text("type", "object")
      .json("required", strings_text(required))
      .json("properties", members.str())
      .str();
}

// Of one object in a list.
std::string item_schema(IdKind kind) {
  ObjectBuilder members;
  members.json("server", R"({"type":"string"})");
  if (kind == IdKind::call) {
    members.json("app", R"({"type":"string"})").json("call", json_schema<record::LiveCall>());
    const std::vector<std::string_view> required{"server", "call"};
    return object_schema(required, members);
  }
  if (kind == IdKind::channel) {
    members.json("app", R"({"type":"string"})").json("bridge", R"({"type":"string"})");
    members.json("began", R"({"type":"string","format":"date-time"})");
    members.json("variables", R"({"type":"object","additionalProperties":{"type":"string"}})");
  }
  // Unlike ARI's Endpoint without `channel_ids`, which ARI declares as required.
  members.json(
      record::object_name(kind),
      kind == IdKind::endpoint
          ? R"({"type":"object","required":["technology","resource"],"properties":{"technology":)"
            R"({"type":"string"},"resource":{"type":"string"},"state":{"type":"string"}}})"
          : ObjectBuilder().text("$ref", "#/components/schemas/" + std::string(model_name(kind))).str());
  const std::vector<std::string_view> required{"server", record::object_name(kind)};
  return object_schema(required, members);
}

std::string list_schema(IdKind kind) {
  return ObjectBuilder().text("type", "array").json("items", item_schema(kind)).str();
}

std::string answer_schema(IdKind kind) {
  const std::string_view list = record::field_name(kind);
  const std::vector<std::string_view> required{"cursor", list};
  return ObjectBuilder()
      .text("type", "object")
      .json("required", strings_text(required))
      .json("properties",
            ObjectBuilder().json("cursor", R"({"type":"string"})").json(list, list_schema(kind)).str())
      .str();
}

}  // namespace

std::string_view state_method_name(IdKind kind) {
  static constexpr std::string_view methods[] = {"state.channels",   "state.bridges",   "state.playbacks",
                                                 "state.recordings", "state.endpoints", "state.devices",
                                                 "state.calls"};
  return methods[static_cast<size_t>(kind)];
}

std::string snapshot_schema() {
  ObjectBuilder members;
  for (size_t i = 0; i < record::id_kinds; ++i) {
    const auto kind = static_cast<IdKind>(i);
    members.json(record::field_name(kind), list_schema(kind));
  }
  return ObjectBuilder().text("type", "object").json("properties", members.str()).str();
}

std::string call_snapshot_schema() {
  constexpr std::string_view texts = R"({"type":"array","items":{"type":"string"}})";
  ObjectBuilder members;
  members.json("channel", R"({"type":"string"})").json("args", texts).json("commands", texts);
  members.json("call", item_schema(IdKind::call));
  for (const IdKind kind : {IdKind::channel, IdKind::bridge}) members.json(record::field_name(kind), list_schema(kind));
  return object_schema({"channel", "args", "commands", "call", "channels", "bridges"}, members);
}

std::vector<Method> state_methods(const LiveObjects& live_objects) {
  static const auto schemas = [] {
    std::array<std::string, record::id_kinds> made;
    for (size_t i = 0; i < made.size(); ++i) made[i] = answer_schema(static_cast<IdKind>(i));
    return made;
  }();
  std::vector<Method> methods;
  for (size_t i = 0; i < record::id_kinds; ++i) {
    const auto kind = static_cast<IdKind>(i);
    std::vector<Parameter> parameters{{.name = "server"}, {.name = "id"}};
    if (kind == IdKind::channel) parameters.insert(parameters.end(), {{.name = "app"}, {.name = "bridge"}});
    if (kind == IdKind::call) parameters.push_back({.name = "app"});
    methods.push_back({.name = std::string(state_method_name(kind)),
                       .parameters = std::move(parameters),
                       .answer_schema = schemas[i],
                       .access_level = AccessLevel::read,
                       .run_here = [live_objects, kind](const JsonValue& params, const Caller& caller) {
                         return live_objects(kind, params, caller);
                       }});
  }
  return methods;
}

}  // namespace aribus::control
