#include "control/methods/state_methods.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "base/hash.h"
#include "base/suggest.h"
#include "control/params.h"
#include "json/json_builder.h"
#include "json/json_tape.h"

namespace aribus::control {
namespace {

using ari::Parameter;
using record::IdKind;
using state::Model;
using state::Object;

// What a kind is called: as a method and in a snapshot, as the member that shows an object, and as ARI's
// model.
struct KindNames {
  std::string_view method;
  std::string_view list;
  std::string_view member;
  std::string_view model;
};
KindNames names_of(IdKind kind) {
  static constexpr std::string_view methods[] = {"state.channels",   "state.bridges",   "state.playbacks",
                                                 "state.recordings", "state.endpoints", "state.devices"};
  static constexpr std::string_view models[] = {"Channel",       "Bridge",   "Playback",
                                                "LiveRecording", "Endpoint", "DeviceState"};
  const auto i = static_cast<size_t>(kind);
  return {methods[i], record::field_name(kind), record::object_name(kind), models[i]};
}

// Which things; "" stands for all.
struct Wanted {
  std::string_view id;
  std::string_view app;
  std::string_view bridge;
};

// The bridge that each channel sits in.
using Seats = std::unordered_map<std::string, std::string_view, TextHash, std::equal_to<>>;

Seats seats_of(const Model& model) {
  Seats seats;
  JsonTape tape;
  for (const auto& [id, bridge] : model.of(IdKind::bridge)) {
    const JsonView channels = tape.read(bridge.text).find("channels");
    if (!channels.valid()) continue;
    for (const auto& channel : channels.children()) {
      if (channel.value().kind() == JsonKind::string) seats.insert_or_assign(channel.value().string(), id);
    }
  }
  return seats;
}

std::string variables_text(const Object& channel) {
  std::string text = "{";
  for (const auto& [name, value] : channel.variables) {
    if (text.size() > 1) text += ',';
    text += name;
    text += ':';
    text += value;
  }
  return text + "}";
}

// ARI does not tell when an endpoint's channels change.
std::string without_channel_ids(const std::string& endpoint) {
  JsonTape tape;
  ObjectBuilder text;
  for (const auto& member : tape.read(endpoint).children()) {
    const std::string name = member.name().string();
    if (name != "channel_ids") text.json(name, member.value().text());
  }
  return text.str();
}

std::string item_text(const std::string& server, IdKind kind, const std::string& id, const Object& object,
                      const Seats& seats) {
  ObjectBuilder item;
  item.text("server", server);
  if (kind == IdKind::channel) {
    if (!object.app.empty()) item.text("app", object.app);
    if (const auto seat = seats.find(id); seat != seats.end()) item.text("bridge", seat->second);
    item.text("began", to_rfc3339(object.began));
    if (!object.variables.empty()) item.json("variables", variables_text(object));
  }
  item.json(names_of(kind).member,
            kind == IdKind::endpoint ? without_channel_ids(object.text) : std::string_view(object.text));
  return item.str();
}

bool told_to(const Model& model, IdKind kind, std::string_view id, const AccessRule& rule) {
  return std::ranges::any_of(model.told_to(kind, id),
                             [&](const std::string& app) { return rule.sees_app(app); });
}

// One that is in an application, or of which records of one have told: dialled, or left again.
bool sees_channel(const Object& channel, const AccessRule& rule) {
  if (!channel.app.empty() || channel.told_to.empty()) return rule.sees_app(channel.app);
  return std::ranges::any_of(channel.told_to, [&](const std::string& app) { return rule.sees_app(app); });
}

bool sees_channel(const Model& model, std::string_view id, const AccessRule& rule) {
  const Object* channel = model.find(IdKind::channel, id);
  return channel != nullptr && sees_channel(*channel, rule);
}

// One with a channel that is seen. One without channels belongs to whom it was told of, or to no application.
bool sees_bridge(std::string_view id, const Object& bridge, const Model& model, const AccessRule& rule) {
  JsonTape tape;
  const JsonView channels = tape.read(bridge.text).find("channels");
  bool empty = true;
  if (channels.valid()) {
    for (const auto& channel : channels.children()) {
      const JsonView member = channel.value();
      empty = false;
      if (member.kind() == JsonKind::string && sees_channel(model, member.string(), rule)) return true;
    }
  }
  if (!empty) return false;
  return bridge.told_to.empty() ? rule.sees_app("") : told_to(model, IdKind::bridge, id, rule);
}

// Whether a rule that is bound to applications lets a thing be seen: a channel in one of them, a bridge with
// such a channel, a playback or recording on either. Endpoints and devices are in no application.
bool sees(std::string_view id, const Object& object, IdKind kind, const Model& model,
          const AccessRule& rule) {
  if (rule.apps.empty()) return true;
  if (kind == IdKind::channel) return sees_channel(object, rule);
  if (kind == IdKind::bridge) return sees_bridge(id, object, model, rule);
  if (kind != IdKind::playback && kind != IdKind::recording) return rule.sees_app("");
  JsonTape tape;
  const JsonView uri = tape.read(object.text).find("target_uri");
  const std::string target = uri.valid() && uri.kind() == JsonKind::string ? uri.string() : "";
  const std::string on = target.substr(target.find(':') + 1);
  if (target.starts_with("channel:")) return sees_channel(model, on, rule);
  const Object* bridge = target.starts_with("bridge:") ? model.find(IdKind::bridge, on) : nullptr;
  return bridge != nullptr && sees_bridge(on, *bridge, model, rule);
}

// Adds the items of one Asterisk, in the order of their ids.
void add_items(std::vector<std::string>& items, const pbx::Server& upstream, IdKind kind,
               const Wanted& wanted, const AccessRule& rule) {
  const Model& model = upstream.model();
  const Seats seats = kind == IdKind::channel ? seats_of(model) : Seats();
  const auto add = [&](const std::string& id, const Object& object) {
    if (!sees(id, object, kind, model, rule)) return;
    if (!wanted.app.empty() && object.app != wanted.app) return;
    if (!wanted.bridge.empty()) {
      const auto seat = seats.find(id);
      if (seat == seats.end() || seat->second != wanted.bridge) return;
    }
    items.push_back(item_text(upstream.name(), kind, id, object, seats));
  };
  const Model::Objects& objects = model.of(kind);
  if (!wanted.id.empty()) {
    const auto at = objects.find(wanted.id);
    if (at != objects.end()) add(at->first, at->second);
    return;
  }
  std::vector<const Model::Objects::value_type*> sorted;
  for (const auto& object : objects) sorted.push_back(&object);
  std::ranges::sort(sorted, {}, [](const auto* object) -> const std::string& { return object->first; });
  for (const auto* object : sorted) add(object->first, object->second);
}

std::string items_text(const Dispatcher& dispatcher, const std::vector<std::string>& servers, IdKind kind,
                       const Wanted& wanted, const AccessRule& rule) {
  std::vector<std::string> items;
  for (const auto& upstream : dispatcher.servers()) {
    if (servers.empty() || std::ranges::find(servers, upstream->name()) != servers.end()) {
      add_items(items, *upstream, kind, wanted, rule);
    }
  }
  return array_text(items);
}

Result<pbx::ResultText> answer(const Dispatcher& dispatcher, const std::string& cursor, IdKind kind,
                               const JsonValue& params, const AccessRule& rule) {
  std::vector<std::string> servers;
  if (const std::string_view server = find_string(params, "server"); find(params, "server") != nullptr) {
    std::vector<std::string_view> known;
    for (const auto& upstream : dispatcher.servers()) known.push_back(upstream->name());
    if (std::ranges::find(known, server) == known.end()) {
      Error error = wrong_param("server", "one of " + join(known), find(params, "server"));
      error.message += did_you_mean(server, known);
      return error;
    }
    servers.emplace_back(server);
  }
  const Wanted wanted{find_string(params, "id"), find_string(params, "app"), find_string(params, "bridge")};
  const std::vector<std::string> key{std::string(names_of(kind).list), std::string(wanted.id),
                                     std::string(wanted.app), std::string(wanted.bridge)};
  return pbx::ResultText(dispatcher.live_texts().get(cursor, {key, servers, rule.apps}, [&] {
    return ObjectBuilder()
        .text("cursor", cursor)
        .json(names_of(kind).list, items_text(dispatcher, servers, kind, wanted, rule))
        .str();
  }));
}

std::string list_schema(IdKind kind) {
  const KindNames name = names_of(kind);
  ObjectBuilder members;
  members.json("server", R"({"type":"string"})");
  if (kind == IdKind::channel) {
    members.json("app", R"({"type":"string"})").json("bridge", R"({"type":"string"})");
    members.json("began", R"({"type":"string","format":"date-time"})");
    members.json("variables", R"({"type":"object","additionalProperties":{"type":"string"}})");
  }
  // An endpoint's channels are left out, which ARI declares as required.
  members.json(name.member,
               kind == IdKind::endpoint
                   ? R"({"type":"object","required":["technology","resource"],"properties":{"technology":)"
                     R"({"type":"string"},"resource":{"type":"string"},"state":{"type":"string"}}})"
                   : ObjectBuilder().text("$ref", "#/components/schemas/" + std::string(name.model)).str());
  const std::vector<std::string_view> required{"server", name.member};
  const std::string item = ObjectBuilder()
                               .text("type", "object")
                               .json("required", strings_text(required))
                               .json("properties", members.str())
                               .str();
  return ObjectBuilder().text("type", "array").json("items", item).str();
}

std::string answer_schema(IdKind kind) {
  const std::string_view list = names_of(kind).list;
  const std::vector<std::string_view> required{"cursor", list};
  return ObjectBuilder()
      .text("type", "object")
      .json("required", strings_text(required))
      .json("properties",
            ObjectBuilder().json("cursor", R"({"type":"string"})").json(list, list_schema(kind)).str())
      .str();
}

}  // namespace

std::shared_ptr<const std::string> live_snapshot(const Dispatcher& dispatcher, const std::string& cursor,
                                                 const std::vector<std::string>& servers,
                                                 const AccessRule& rule) {
  std::vector<IdKind> kinds;
  std::vector<std::string> key{"snapshot"};
  for (size_t i = 0; i < record::id_kinds; ++i) {
    const auto kind = static_cast<IdKind>(i);
    const auto method = dispatcher.methods().find(names_of(kind).method);
    if (method == dispatcher.methods().end() || !rule.allows(method->second)) continue;
    kinds.push_back(kind);
    key.emplace_back(names_of(kind).list);
  }
  std::vector<std::string> known;
  for (const auto& upstream : dispatcher.servers()) {
    if (std::ranges::find(servers, upstream->name()) != servers.end()) known.push_back(upstream->name());
  }
  key.emplace_back(servers.empty() ? "all" : "some");
  return dispatcher.live_texts().get(cursor, {key, known, rule.apps}, [&] {
    ObjectBuilder snapshot;
    for (const IdKind kind : kinds) {
      snapshot.json(names_of(kind).list, items_text(dispatcher, servers, kind, {}, rule));
    }
    return snapshot.str();
  });
}

bool sees_id(const Dispatcher& dispatcher, std::string_view server, IdKind kind, std::string_view id,
             const AccessRule& rule) {
  if (rule.apps.empty()) return true;
  for (const auto& upstream : dispatcher.servers()) {
    if (upstream->name() != server) continue;
    const Model& model = upstream->model();
    const Object* object = model.find(kind, id);
    return (object != nullptr && sees(id, *object, kind, model, rule)) || told_to(model, kind, id, rule);
  }
  return false;
}

std::string snapshot_schema() {
  ObjectBuilder members;
  for (size_t i = 0; i < record::id_kinds; ++i) {
    const auto kind = static_cast<IdKind>(i);
    members.json(names_of(kind).list, list_schema(kind));
  }
  return ObjectBuilder().text("type", "object").json("properties", members.str()).str();
}

std::vector<Method> state_methods(const Dispatcher& dispatcher, std::function<std::string()> cursor) {
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
    methods.push_back(
        {.name = std::string(names_of(kind).method),
         .parameters = std::move(parameters),
         .answer_schema = schemas[i],
         .access_level = AccessLevel::read,
         .run_here = [&dispatcher, cursor, kind](const JsonValue& params, const Caller& caller) {
           return answer(dispatcher, cursor(), kind, params, *caller.rule);
         }});
  }
  return methods;
}

}  // namespace aribus::control
