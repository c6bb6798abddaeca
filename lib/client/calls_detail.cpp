#include "client/calls_detail.h"

namespace aribus::client {
namespace {

// How Asterisk says that it no longer has the channel, or no longer lets ARI control it.
constexpr std::array<std::string_view, 3> gone_texts{"Channel not found", "Channel not in Stasis application",
                                                     "Provided channel was not found"};
}  // namespace

std::string one_param(std::string_view name, std::string_view value) {
  Json params(rapidjson::kObjectType);
  set_member(params, name, value);
  return to_text(params);
}

std::vector<std::string> strings_in(const JsonValue& object, std::string_view name) {
  std::vector<std::string> strings;
  const JsonValue* list = find(object, name);
  if (list == nullptr || !list->IsArray()) return strings;
  for (const JsonValue& one : list->GetArray()) {
    if (one.IsString()) strings.emplace_back(as_view(one));
  }
  return strings;
}

Refusal::Refusal(const Error& error) {
  const Result<Json> data = parse_own_json(error.data);
  if (error.kind != ErrorKind::refused || !data) return;
  const JsonValue* number = find(*data, "status");
  status = number != nullptr && number->IsInt() ? number->GetInt() : 0;
  message = find_string(*data, "message");
  is_about_channel = find_string(*data, "path").starts_with("/channels/");
}

bool Refusal::says_gone() const {
  return contains(gone_texts, message);
}

Error gone_error(const ChannelState& channel) {
  return {ErrorKind::refused, "channel " + channel.id + " has left the application " + channel.app,
          one_param("channelId", channel.id)};
}
Error gone_error(const BridgeState& bridge) {
  return {ErrorKind::refused, "bridge " + bridge.id + " was destroyed", one_param("bridgeId", bridge.id)};
}

bool may_come_later(const Raised& raised) {
  return raised.error.kind == ErrorKind::not_connected || raised.error.kind == ErrorKind::outcome_unknown;
}

}  // namespace aribus::client
