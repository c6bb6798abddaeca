// /ari/bridges
#include <algorithm>
#include <optional>

#include "router.h"
#include "text.h"

namespace aribus::sim {
namespace {

HttpReply bridge_not_found() {
  return refusal(404, "Bridge not found", "Not found");
}

template <HttpReply (*handler)(Asterisk&, const Call&, Bridge&)>
HttpReply existing(Asterisk& asterisk, const Call& call) {
  auto* bridge = asterisk.bridge(call.id());
  return bridge != nullptr ? handler(asterisk, call, *bridge) : bridge_not_found();
}

HttpReply list_bridges(Asterisk& asterisk, const Call&) {
  std::vector<std::string> out;
  for (const auto& [id, bridge] : asterisk.bridges) out.push_back(bridge.json());
  return json_reply(array_of(out));
}

HttpReply get_bridge(Asterisk& asterisk, const Call& call) {
  const auto* bridge = asterisk.bridge(call.id());
  return bridge != nullptr ? json_reply(bridge->json()) : refusal(404, "Bridge not found");
}

HttpReply create_bridge(Asterisk& asterisk, const Call& call) {
  auto id = call.params.text("bridgeId");
  if (id.empty() && !call.parts.empty()) id = call.id();
  const auto name = call.params.text("name");
  const auto type = joined(call.params.list("type"), ",");
  if (auto* there = asterisk.bridge(id); there != nullptr) {
    if (!asterisk.is_old()) return refusal(409, "Bridge with id '" + id + "' already exists");
    if (!call.parts.empty() && !type.empty())
      return refusal(500, "Supplying a bridge type when updating a bridge is not allowed.", "Internal Error");
    if (!name.empty()) there->name = name;
    return json_reply(there->json());
  }
  for (const auto& word : split(type, ',')) {
    const auto known = {"mixing",    "holding",      "dtmf_events", "proxy_media",
                        "video_sfu", "video_single", "sdp_label"};
    if (std::find(known.begin(), known.end(), word) != known.end()) continue;
    return refusal(500,
                   asterisk.is_old() ? "Unable to create bridge"
                                     : "Unable to create bridge. Possible duplicate bridge id '" +
                                           (id.empty() ? "(null)" : id) + "'",
                   "Internal Error");
  }
  auto& bridge = asterisk.add_bridge(id.empty() ? random_uuid() : id, name, type);
  if (!asterisk.is_old() && call.params.body().IsObject()) {
    // 22 takes the whole body for variables, after it has made the bridge.
    for (const auto& one : call.params.body().GetObject()) {
      if (one.value.IsArray()) {
        return refusal(400,
                       "Each value in 'variables' must be a string or an object with 'value' and optional "
                       "'report_events'");
      }
    }
  }
  return json_reply(bridge.json());
}

HttpReply destroy(Asterisk& asterisk, const Call& call) {
  if (asterisk.bridge(call.id()) == nullptr) return bridge_not_found();
  asterisk.destroy_bridge(call.id());
  return no_content();
}

// Why the channels that `call` names can't be added to a bridge or taken out of one, or nothing.
std::optional<HttpReply> refuse_members(Asterisk& asterisk, const std::vector<std::string>& ids,
                                        const Bridge* leaving) {
  if (ids.empty()) return refusal(400, "Missing parameter channel");
  for (const auto& id : ids) {
    const auto* channel = asterisk.channel(id);
    if (channel == nullptr) return refusal(400, "Channel not found");
    if (channel->stasis.empty()) return refusal(422, "Channel not in Stasis application");
    if (leaving != nullptr && channel->bridge != leaving->id)
      return refusal(422, "Channel not in this bridge");
  }
  return {};
}

HttpReply add_channels(Asterisk& asterisk, const Call& call, Bridge& bridge) {
  const auto ids = call.params.list("channel");
  if (auto refused = refuse_members(asterisk, ids, nullptr)) return std::move(*refused);
  for (const auto& id : ids) asterisk.enter_bridge(bridge, *asterisk.channel(id));
  return no_content();
}

HttpReply remove_channels(Asterisk& asterisk, const Call& call, Bridge& bridge) {
  const auto ids = call.params.list("channel");
  if (auto refused = refuse_members(asterisk, ids, &bridge)) return std::move(*refused);
  for (const auto& id : ids) asterisk.leave_bridge(*asterisk.channel(id), false);
  return no_content();
}

HttpReply start_music(Asterisk& asterisk, const Call&, Bridge& bridge) {
  if (!bridge.music.empty()) return no_content();
  bridge.music = "Announcer/ARI_MOH-" + hex8(asterisk.helper_count++) + ";2";
  if (!bridge.channels.empty()) asterisk.helper_in_bridge(bridge, bridge.music);
  return no_content();
}

HttpReply stop_music(Asterisk& asterisk, const Call&, Bridge& bridge) {
  if (bridge.music.empty()) return refusal(409, "Bridge isn't playing music");
  bridge.music.clear();
  asterisk.helper_in_bridge(bridge, "");
  asterisk.publish_device("Announcer/ARI_MOH", "INUSE");
  asterisk.publish_device("Announcer/ARI_MOH", "UNKNOWN");
  return no_content();
}

}  // namespace

std::span<const Route> bridge_routes() {
  static constexpr Route routes[] = {
      {"GET", "/bridges", list_bridges},
      {"POST", "/bridges", create_bridge},
      {"GET", "/bridges/{}", get_bridge},
      {"POST", "/bridges/{}", create_bridge},
      {"DELETE", "/bridges/{}", destroy},
      {"POST", "/bridges/{}/addChannel", existing<add_channels>},
      {"POST", "/bridges/{}/removeChannel", existing<remove_channels>},
      {"POST", "/bridges/{}/moh", existing<start_music>},
      {"DELETE", "/bridges/{}/moh", existing<stop_music>},
  };
  return routes;
}

}  // namespace aribus::sim
