// /ari/applications, /ari/endpoints, /ari/deviceStates, /ari/events/user
#include "router.h"
#include "text.h"

namespace aribus::sim {
namespace {

std::string app_json(const Asterisk& asterisk, const std::string& name, const App& app) {
  std::vector<std::string> channels, bridges, endpoints, devices;
  for (const auto& [id, count] : app.interest)
    (asterisk.bridges.count(id) > 0 ? bridges : channels).push_back(id);
  if (app.all) {
    channels = {"__AST_CHANNEL_ALL_TOPIC"};
    bridges = {"__AST_BRIDGE_ALL_TOPIC"};
    endpoints = {"__AST_ENDPOINT_ALL_TOPIC"};
    devices = {"__AST_DEVICE_STATE_ALL_TOPIC"};
  }
  Object out;
  out.text("name", name).raw("channel_ids", quoted_list(channels)).raw("bridge_ids", quoted_list(bridges));
  out.raw("endpoint_ids", quoted_list(endpoints)).raw("device_names", quoted_list(devices));
  return out.raw("events_allowed", "[]").raw("events_disallowed", "[]").str();
}

HttpReply list_applications(Asterisk& asterisk, const Call&) {
  std::vector<std::string> out;
  for (const auto& [name, app] : asterisk.apps) out.push_back(app_json(asterisk, name, app));
  return json_reply(array_of(out));
}

HttpReply get_application(Asterisk& asterisk, const Call& call) {
  const auto found = asterisk.apps.find(call.id());
  if (found == asterisk.apps.end()) return refusal(404, "Application not found");
  return json_reply(app_json(asterisk, found->first, found->second));
}

// The id in "channel:<id>" or "bridge:<id>"; "" for other sources.
std::string source_id(const std::string& source) {
  for (const std::string scheme : {"channel:", "bridge:"}) {
    if (source.rfind(scheme, 0) == 0) return source.substr(scheme.size());
  }
  return "";
}

HttpReply change_subscription(Asterisk& asterisk, const Call& call, bool subscribe) {
  const auto app = asterisk.apps.find(call.id());
  if (app == asterisk.apps.end()) return refusal(404, "Application not found");
  if (!call.params.has("eventSource")) return refusal(400, "Missing parameter eventSource");
  for (const std::string& source : call.params.list("eventSource")) {
    const std::string id = source_id(source);
    if (id.empty()) return refusal(400, "Invalid event source URI scheme");
    if (subscribe) {
      const bool exists = asterisk.channels.count(id) > 0 || asterisk.bridges.count(id) > 0;
      if (!exists) return refusal(422, "Event source does not exist");
      asterisk.subscribe(app->first, id);
    } else {
      if (app->second.interest.count(id) == 0) return refusal(422, "Event source was not subscribed to");
      asterisk.unsubscribe(app->first, id);
    }
  }
  return json_reply(app_json(asterisk, app->first, app->second));
}

HttpReply subscribe(Asterisk& asterisk, const Call& call) {
  return change_subscription(asterisk, call, true);
}

HttpReply unsubscribe(Asterisk& asterisk, const Call& call) {
  return change_subscription(asterisk, call, false);
}

std::string endpoint_json(const Asterisk& asterisk) {
  std::vector<std::string> ids;
  for (const auto& [id, channel] : asterisk.channels) {
    if (channel.device() == "PJSIP/sipp") ids.push_back(id);
  }
  Object out;
  out.text("technology", "PJSIP").text("resource", "sipp").text("state", "offline");
  return out.raw("channel_ids", quoted_list(ids)).str();
}

HttpReply list_endpoints(Asterisk& asterisk, const Call&) {
  return json_reply(array_of({endpoint_json(asterisk)}));
}

HttpReply list_endpoints_of(Asterisk& asterisk, const Call& call) {
  if (call.parts[0] != "PJSIP") return refusal(404, "No Endpoints found - invalid tech " + call.parts[0]);
  return list_endpoints(asterisk, call);
}

HttpReply get_endpoint(Asterisk& asterisk, const Call& call) {
  if (call.parts[0] != "PJSIP" || call.parts[1] != "sipp") return refusal(404, "Endpoint not found");
  return json_reply(endpoint_json(asterisk));
}

std::string device_json(const std::string& name, const std::string& state) {
  return Object().text("name", name).text("state", state).str();
}

HttpReply list_devices(Asterisk& asterisk, const Call&) {
  std::vector<std::string> out;
  for (const auto& [name, state] : asterisk.devices) out.push_back(device_json(name, state));
  return json_reply(array_of(out));
}

HttpReply get_device(Asterisk& asterisk, const Call& call) {
  const auto found = asterisk.devices.find(call.id());
  return json_reply(device_json(call.id(), found == asterisk.devices.end() ? "UNKNOWN" : found->second));
}

HttpReply put_device(Asterisk& asterisk, const Call& call) {
  if (call.id().compare(0, 7, "Stasis:") != 0) return refusal(409, "Uncontrolled device specified");
  asterisk.devices[call.id()] = call.params.text("deviceState");
  asterisk.publish_device(call.id(), asterisk.devices[call.id()]);
  return no_content();
}

HttpReply delete_device(Asterisk& asterisk, const Call& call) {
  if (call.id().compare(0, 7, "Stasis:") != 0) return refusal(409, "Uncontrolled device specified");
  if (asterisk.devices.erase(call.id()) == 0) return refusal(404, "Device name not found");
  asterisk.publish_device(call.id(), "UNKNOWN");
  return no_content();
}

HttpReply user_event(Asterisk& asterisk, const Call& call) {
  const auto name = call.params.text("application");
  if (asterisk.apps.count(name) == 0) return refusal(404, "Application not found");
  Object fields;
  if (const auto* variables = call.params.member("variables");
      variables != nullptr && variables->IsObject()) {
    for (const auto& one : variables->GetObject()) {
      if (one.value.IsString()) fields.text(one.name.GetString(), one.value.GetString());
    }
  }
  fields.text("eventname", call.id());
  Object event = event_of("ChannelUserevent");
  event.text("eventname", call.id()).raw("userevent", fields.str());
  asterisk.subscribe(name, "user event");
  asterisk.publish({"user event"}, event);
  asterisk.unsubscribe(name, "user event");
  return no_content();
}

HttpReply no_websocket(Asterisk& asterisk, const Call&) {
  return html_error(426, "", asterisk.server());
}

}  // namespace

std::span<const Route> misc_routes() {
  static constexpr Route routes[] = {
      {"GET", "/applications", list_applications},
      {"GET", "/applications/{}", get_application},
      {"POST", "/applications/{}/subscription", subscribe},
      {"DELETE", "/applications/{}/subscription", unsubscribe},
      {"GET", "/endpoints", list_endpoints},
      {"GET", "/endpoints/{}", list_endpoints_of},
      {"GET", "/endpoints/{}/{}", get_endpoint},
      {"GET", "/deviceStates", list_devices},
      {"GET", "/deviceStates/{}", get_device},
      {"PUT", "/deviceStates/{}", put_device},
      {"DELETE", "/deviceStates/{}", delete_device},
      {"GET", "/events", no_websocket},
      {"POST", "/events/user/{}", user_event},
  };
  return routes;
}

}  // namespace aribus::sim
