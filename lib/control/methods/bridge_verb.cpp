#include "control/methods/bridge_verb.h"

#include <memory>
#include <string>
#include <utility>

#include "control/methods/call_operation.h"

namespace aribus::control {
namespace {

using ari::Place;
using record::IdKind;

Json with_string(std::string_view name, std::string_view value) {
  Json object(rapidjson::kObjectType);
  set_member(object, name, value);
  return object;
}

// The bridge was made and only reading it failed: answers with the bridge as events showed it.
Result<pbx::ResultText> made_bridge(const pbx::Server& server, const std::string& id, const Error& error) {
  if (const state::Object* bridge = server.model().find(IdKind::bridge, id))
    return pbx::ResultText(bridge->text);
  return Error{ErrorKind::outcome_unknown,
               "the bridge was made and the channels were put into it, and then it could not be read: " +
                   error.message,
               to_text(with_string("bridgeId", id))};
}

// A channel could not be added and the bridge could not be destroyed. The error must not be of a kind that
// means "nothing was sent": a repeat with the same key would then make a second bridge.
Error bridge_is_left(Error error, const std::string& id, const Error& why) {
  error.message += "; the bridge '" + id + "' could not be destroyed: " + why.message;
  if (error.kind != ErrorKind::refused) error.kind = ErrorKind::outcome_unknown;
  Result<Json> data = parse_json(error.data);
  if (!data || !data->IsObject()) data = Json(rapidjson::kObjectType);
  set_member(*data, "bridgeId", id);
  error.data = to_text(*data);
  return error;
}

void bridge_channels(Call call) {
  pbx::Server& server = call.server;
  Json create = copy_of(call.params);
  create.RemoveMember("channels");
  const std::string id(find_string(call.params, "bridgeId"));
  auto add = std::make_shared<Json>(with_string("bridgeId", id));
  set_member(*add, "channel", *find(call.params, "channels"));
  Requester undoing = call.requester;
  undoing.check.reset();  // who has lost the calls meanwhile leaves no bridge behind
  const auto undo = [&server, id, requester = undoing](Error error, const pbx::Reply& reply) {
    server.call(*ari::find_operation("bridges.destroy"), with_string("bridgeId", id), requester,
                [reply, id, error = std::move(error)](const auto& destroyed) mutable {
                  if (destroyed) {
                    error.message += "; the bridge was destroyed again";
                    return reply(std::move(error));
                  }
                  reply(bridge_is_left(std::move(error), id, destroyed.error()));
                });
  };
  prepare_and_call(
      server, *ari::find_operation("bridges.create"), std::move(create), call.requester,
      [&server, id, add, undo, requester = call.requester, reply = call.reply](auto created) {
        if (!created) return reply(std::move(created));
        server.call(*ari::find_operation("bridges.addChannel"), *add, requester,
                    [&server, id, undo, requester, reply](auto added) {
                      if (!added) return undo(std::move(added.error()), reply);
                      server.call(*ari::find_operation("bridges.get"), with_string("bridgeId", id), requester,
                                  [&server, id, reply](auto got) {
                                    got ? reply(std::move(got)) : reply(made_bridge(server, id, got.error()));
                                  });
                    });
      });
}

}  // namespace

Method bridge_verb() {
  return {.name = "bridge",
          // Place::path: these values are part of a path in one of the requests, so they can't be empty.
          .parameters = {{.name = "channels", .place = Place::path, .required = true, .multiple = true},
                         {.name = "type"},
                         {.name = "name"},
                         {.name = "bridgeId", .place = Place::path}},
          .answer = ari::find_operation("bridges.get")->answer,
          .operations = {"bridges.create", "bridges.addChannel", "bridges.get", "bridges.destroy"},
          .generated_id_param = "bridgeId",
          .access_level = AccessLevel::control,
          .run = bridge_channels};
}

}  // namespace aribus::control
