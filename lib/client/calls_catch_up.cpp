#include "client/calls_detail.h"

namespace aribus::client {
namespace {

// The arguments of Stasis(), from the channel's place in the dialplan.
std::vector<std::string> args_in_dialplan(const JsonValue& channel) {
  std::vector<std::string> args;
  const JsonValue* dialplan = find(channel, "dialplan");
  if (dialplan == nullptr || find_string(*dialplan, "app_name") != "Stasis") return args;
  std::string_view rest = find_string(*dialplan, "app_data");
  for (size_t comma = rest.find(','); comma != std::string_view::npos;) {
    rest.remove_prefix(comma + 1);
    comma = rest.find(',');
    args.emplace_back(rest.substr(0, comma));
  }
  return args;
}

}  // namespace

void Calls::look_at_all(std::string_view server) {
  const auto endings = endings_;
  for (const std::shared_ptr<Ending>& ending : endings) {
    if (ending->channel->server == server && ending->has_begun) start(look_at(ending));
  }
  const auto bridges = bridges_;
  for (const auto& [id, bridge] : bridges) {
    if (bridge->server.empty() || bridge->server == server) start(look_at(bridge));
  }
}

Task<void> Calls::look_at(std::shared_ptr<Ending> ending) {
  try {
    const bool is_found = co_await is_there(ending);
    if (is_found || ending->is_over()) co_return;
    Json result(rapidjson::kObjectType);
    for (const std::string_view member : {"id", "name"}) set_member(result, member, ending->id);
    for (const std::string_view member : {"media_uri", "target_uri", "format"})
      set_member(result, member, "");
    set_member(result, "state", "done");
    ending->result = std::move(result);
  } catch (const Raised&) {  // the waiting coroutine checks for that itself
  }
}

Task<void> Calls::look_at(BridgePtr bridge) {
  const auto channels = bridge->channels;
  try {
    const Json found = co_await on_bridge(bridge, "bridges.get", one_param("bridgeId", bridge->id));
    const std::vector<std::string> there = strings_in(found, "channels");
    for (const ChannelPtr& channel : channels) {
      if (!contains(there, channel->id)) left(bridge, channel);
    }
  } catch (const BridgeGone&) {
    bridge_gone(bridge);
  } catch (const Raised&) {
  }
}

Task<void> Calls::catch_up() {
  const auto known = channels_;
  Json status, found;
  try {
    status = co_await call("status");
    found = co_await call("state.channels");
  } catch (const Raised&) {
    co_return;
  }
  std::set<std::string> ready;
  for (const JsonValue& server : status["servers"].GetArray()) {
    if (find_string(server, "state") == "ready") ready.emplace(find_string(server, "name"));
  }
  const auto is_there = [&](const ChannelState& channel) {
    return std::ranges::any_of(found["channels"].GetArray(), [&](const JsonValue& one) {
      return find_string(one, "server") == channel.server && find_string(one, "app") == channel.app &&
             find_string(one["channel"], "id") == channel.id;
    });
  };
  for (const auto& [key, channel] : known) {
    if (ready.contains(channel->server) && !is_there(*channel)) gone(channel->server, channel->id);
  }
  for (const JsonValue& one : found["channels"].GetArray()) {
    const std::string_view server = find_string(one, "server"), app = find_string(one, "app");
    if (!app.empty() && ready.contains(std::string(server)))
      entered(server, app, args_in_dialplan(one["channel"]), one["channel"], false);
  }
  for (const std::string& server : ready) look_at_all(server);
}

}  // namespace aribus::client
