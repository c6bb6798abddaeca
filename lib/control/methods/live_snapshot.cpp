#include "control/methods/live_snapshot.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/hash.h"
#include "base/suggest.h"
#include "control/methods/state_methods.h"
#include "control/params.h"
#include "control/visibility.h"
#include "json/json_builder.h"
#include "json/json_tape.h"

namespace aribus::control {
namespace {

using record::IdKind;
using state::Model;
using state::Object;

// Restricts a list; "" restricts nothing.
struct Wanted {
  std::string_view id;
  std::string_view app;
  std::string_view bridge;
};

// The bridge that each channel is in.
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

// No event reports changes of an endpoint's channels, so the list would be wrong.
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
  item.json(record::object_name(kind),
            kind == IdKind::endpoint ? without_channel_ids(object.text) : std::string_view(object.text));
  return item.str();
}

// Adds the objects of one Asterisk, sorted by id.
void add_items(std::vector<std::string>& items, const pbx::Server& server, IdKind kind, const Wanted& wanted,
               const AccessRule& rule) {
  const Model& model = server.model();
  const Seats seats = kind == IdKind::channel ? seats_of(model) : Seats();
  const auto add = [&](const std::string& id, const Object& object) {
    if (!sees_object(rule, model, kind, id, object)) return;
    if (!wanted.app.empty() && object.app != wanted.app) return;
    if (!wanted.bridge.empty()) {
      const auto seat = seats.find(id);
      if (seat == seats.end() || seat->second != wanted.bridge) return;
    }
    items.push_back(item_text(server.name(), kind, id, object, seats));
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
  for (const auto& server : dispatcher.servers()) {
    if (servers.empty() || std::ranges::find(servers, server->name()) != servers.end()) {
      add_items(items, *server, kind, wanted, rule);
    }
  }
  return array_text(items);
}

}  // namespace

Result<pbx::ResultText> live_objects(const Dispatcher& dispatcher, const std::string& cursor, IdKind kind,
                                     const JsonValue& params, const AccessRule& rule) {
  std::vector<std::string> servers;
  if (const std::string_view server = find_string(params, "server"); find(params, "server") != nullptr) {
    std::vector<std::string_view> known;
    for (const auto& one : dispatcher.servers()) known.push_back(one->name());
    if (std::ranges::find(known, server) == known.end()) {
      Error error = wrong_param("server", "one of " + join(known), find(params, "server"));
      error.message += did_you_mean(server, known);
      return error;
    }
    servers.emplace_back(server);
  }
  const Wanted wanted{find_string(params, "id"), find_string(params, "app"), find_string(params, "bridge")};
  const std::vector<std::string> key{std::string(record::field_name(kind)), std::string(wanted.id),
                                     std::string(wanted.app), std::string(wanted.bridge)};
  return pbx::ResultText(dispatcher.snapshots().get(cursor, {key, servers, rule.apps}, [&] {
    return ObjectBuilder()
        .text("cursor", cursor)
        .json(record::field_name(kind), items_text(dispatcher, servers, kind, wanted, rule))
        .str();
  }));
}

std::shared_ptr<const std::string> live_snapshot(const Dispatcher& dispatcher, const std::string& cursor,
                                                 const std::vector<std::string>& servers,
                                                 const AccessRule& rule) {
  std::vector<IdKind> kinds;
  std::vector<std::string> key{"snapshot"};
  for (size_t i = 0; i < record::id_kinds; ++i) {
    const auto kind = static_cast<IdKind>(i);
    const Method* method = dispatcher.methods().find(state_method_name(kind));
    if (method == nullptr || !rule.allows(*method)) continue;
    kinds.push_back(kind);
    key.emplace_back(record::field_name(kind));
  }
  std::vector<std::string> known;
  for (const auto& server : dispatcher.servers()) {
    if (std::ranges::find(servers, server->name()) != servers.end()) known.push_back(server->name());
  }
  key.emplace_back(servers.empty() ? "all" : "some");
  return dispatcher.snapshots().get(cursor, {key, known, rule.apps}, [&] {
    ObjectBuilder snapshot;
    for (const IdKind kind : kinds) {
      snapshot.json(record::field_name(kind), items_text(dispatcher, servers, kind, {}, rule));
    }
    return snapshot.str();
  });
}

}  // namespace aribus::control
