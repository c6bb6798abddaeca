#include "control/methods/media_verbs.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "control/methods/call_operation.h"
#include "control/methods/defaults.h"
#include "control/methods/either_operation.h"
#include "control/methods/waiting.h"
#include "control/params.h"
#include "state/model.h"

namespace aribus::control {
namespace {

using record::IdKind;

// The playback or recording of that id in a state.changed, if it is over. Asterisk reports no event, for
// example, for a playback that it could not start.
std::optional<std::string> ended_unreported(const JsonValue& fields, IdKind kind, std::string_view id,
                                            std::string_view field) {
  const JsonValue* objects = find(fields, "objects");
  const JsonValue* list = objects == nullptr ? nullptr : find(*objects, record::field_name(kind));
  if (list == nullptr || !list->IsArray()) return {};
  for (const JsonValue& item : list->GetArray()) {
    const JsonValue* object = find(item, field);
    if (object == nullptr || find_string(*object, kind == IdKind::recording ? "name" : "id") != id) continue;
    if (state::is_over(kind, find_string(*object, "state"))) return to_text(*object);
  }
  return {};
}

// Plays or records. `ends` are the types of the events that report the end, each with the object in its field
// `field`.
void run_media(Call call, std::string_view on_channel, std::string_view on_bridge, IdKind kind,
               std::string_view id_name, std::string_view field, std::vector<std::string_view> ends) {
  const auto op = pick_operation(call.params, "channelId", on_channel, "bridgeId", on_bridge);
  if (!op) return call.reply(op.error());
  const bool waits = take_wait(call.params);
  if (auto checked = check_params((*op)->parameters, call.params); !checked)
    return call.reply(checked.error());
  if (auto prepared = prepare(**op, call.params, call.server); !prepared) return call.reply(prepared.error());
  if (!waits) return call_operation(call.server, **op, call.params, call.requester, call.reply);
  const std::string id(find_string(call.params, id_name));
  const bool is_on_channel = find(call.params, "channelId") != nullptr;
  const Awaited awaited{.kind = kind,
                        .id_name = id_name,
                        .noun = field,
                        .on_kind = is_on_channel ? IdKind::channel : IdKind::bridge,
                        .on_name = is_on_channel ? "channelId" : "bridgeId"};
  call_and_wait(std::move(call), **op, awaited,
                [field, kind, id, ends = std::move(ends)](
                    const record::Record& record, const JsonValue& fields) -> std::optional<std::string> {
                  if (record.type == "state.changed") return ended_unreported(fields, kind, id, field);
                  const JsonValue* object = find(fields, field);
                  if (object == nullptr || std::ranges::find(ends, record.type) == ends.end()) return {};
                  return to_text(*object);
                });
}

void play(Call call) {
  run_media(std::move(call), "channels.play", "bridges.play", IdKind::playback, "playbackId", "playback",
            {"PlaybackFinished"});
}

void record_media(Call call) {
  run_media(std::move(call), "channels.record", "bridges.record", IdKind::recording, "name", "recording",
            {"RecordingFinished", "RecordingFailed"});
}

}  // namespace

std::vector<Method> media_verbs() {
  const ari::Parameter wait{.name = "wait", .type = ari::Type::boolean};
  return {{.name = "play",
           .parameters = parameters_of_either("channels.play", "bridges.play", {wait}),
           .answer = ari::find_operation("channels.play")->answer,
           .operations = {"channels.play", "bridges.play"},
           .generated_id_param = "playbackId",
           .access_level = AccessLevel::control,
           .run = play},
          {.name = "record",
           .parameters = parameters_of_either("channels.record", "bridges.record", {wait}),
           .answer = ari::find_operation("channels.record")->answer,
           .operations = {"channels.record", "bridges.record"},
           .access_level = AccessLevel::control,
           .run = record_media}};
}

}  // namespace aribus::control
