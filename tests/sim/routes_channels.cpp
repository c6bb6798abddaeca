// /ari/channels
#include "cause.h"
#include "router.h"
#include "text.h"

namespace aribus::sim {
namespace {

HttpReply channel_not_found() {
  return refusal(404, "Channel not found");
}

// Wraps a handler of something that only a channel in Stasis, and not one that is still down, can do.
template <HttpReply (*handler)(Asterisk&, const Call&, Channel&)>
HttpReply controlled(Asterisk& asterisk, const Call& call) {
  auto* channel = asterisk.channel(call.id());
  if (channel == nullptr) return channel_not_found();
  if (channel->stasis.empty()) return refusal(409, "Channel not in Stasis application");
  if (channel->state == "Down") return refusal(412, "Channel in invalid state");
  return handler(asterisk, call, *channel);
}

// The same for what a channel that is still down can do too.
template <HttpReply (*handler)(Asterisk&, const Call&, Channel&)>
HttpReply held(Asterisk& asterisk, const Call& call) {
  auto* channel = asterisk.channel(call.id());
  if (channel == nullptr) return channel_not_found();
  if (channel->stasis.empty()) return refusal(409, "Channel not in Stasis application");
  return handler(asterisk, call, *channel);
}

// Splits `"Bob" <77>`.
void set_caller(Dialling& dialling, const std::string& caller_id) {
  const auto open = caller_id.find('<');
  if (open == std::string::npos) {
    const bool digits = caller_id.find_first_not_of("0123456789*#+") == std::string::npos;
    (digits ? dialling.caller_number : dialling.caller_name) = caller_id;
    return;
  }
  dialling.caller_name = trimmed(caller_id.substr(0, open));
  dialling.caller_number = caller_id.substr(open + 1, caller_id.find('>') - open - 1);
  auto& name = dialling.caller_name;
  if (name.size() >= 2 && name.front() == '"' && name.back() == '"') name = name.substr(1, name.size() - 2);
}

// False when a variable isn't a text.
bool set_variables(Dialling& dialling, const Params& params, bool is_old) {
  const auto* variables = params.member("variables");
  if (variables == nullptr || !variables->IsObject()) return true;
  for (const auto& one : variables->GetObject()) {
    const auto* value = &one.value;
    if (!is_old && value->IsObject() && value->HasMember("value")) value = &(*value)["value"];
    if (!value->IsString()) return false;
    dialling.variables.emplace_back(one.name.GetString(), value->GetString());
  }
  return true;
}

HttpReply bad_variables(const Asterisk& asterisk) {
  return refusal(400, asterisk.is_old()
                          ? "Only string values in the 'variables' object allowed"
                          : "Each value in 'variables' must be a string or an object with 'value' and "
                            "optional 'report_events'");
}

// What the real one says when a channel could not be made. (It decides by errno, which may be left over from
// an earlier request on the same connection: then it says "already exists" of an unknown technology too.)
HttpReply not_made(Asterisk& asterisk, const Dialling& dialling) {
  if (asterisk.channel(dialling.id) != nullptr || asterisk.channel(dialling.other_id) != nullptr)
    return refusal(409, "Channel with given unique ID already exists");
  return json_reply(R"({"error":"Allocation failed"})", 500);
}

Dialling dialling_of(const Call& call) {
  Dialling out;
  out.endpoint = call.params.text("endpoint");
  out.app = call.params.text("app");
  out.app_args = call.params.text("appArgs");
  out.id = call.params.text("channelId");
  if (out.id.empty() && !call.parts.empty()) out.id = call.id();
  out.other_id = call.params.text("otherChannelId");
  out.timeout = call.params.number("timeout", 30);
  return out;
}

HttpReply list_channels(Asterisk& asterisk, const Call&) {
  std::vector<std::string> out;
  for (const auto& [id, channel] : asterisk.channels) out.push_back(channel.json());
  return json_reply(array_of(out));
}

HttpReply get_channel(Asterisk& asterisk, const Call& call) {
  const auto* channel = asterisk.channel(call.id());
  return channel != nullptr ? json_reply(channel->json()) : channel_not_found();
}

HttpReply originate(Asterisk& asterisk, const Call& call) {
  auto dialling = dialling_of(call);
  if (dialling.endpoint.empty()) return refusal(400, "Endpoint must be specified");
  if (!set_variables(dialling, call.params, asterisk.is_old())) return bad_variables(asterisk);
  if (dialling.endpoint.find('/') == std::string::npos) return refusal(400, "Invalid endpoint specified");
  if (dialling.app.empty() && call.params.text("extension").empty())
    return refusal(400, "Application or extension must be specified");
  set_caller(dialling, call.params.text("callerId"));
  const auto* channel = asterisk.originate(dialling);
  return channel != nullptr ? json_reply(channel->json()) : not_made(asterisk, dialling);
}

HttpReply create_channel(Asterisk& asterisk, const Call& call) {
  auto dialling = dialling_of(call);
  if (dialling.endpoint.empty()) return refusal(400, "Endpoint must be specified");
  if (!set_variables(dialling, call.params, asterisk.is_old())) return bad_variables(asterisk);
  if (dialling.endpoint.find('/') == std::string::npos) return refusal(400, "Invalid endpoint specified");
  const auto* channel = asterisk.create(dialling);
  return channel != nullptr ? json_reply(channel->json()) : not_made(asterisk, dialling);
}

HttpReply external_media(Asterisk& asterisk, const Call& call) {
  auto dialling = dialling_of(call);
  dialling.endpoint = call.params.text("external_host");
  const auto format = call.params.text("format");
  if (dialling.app.empty()) return refusal(400, "app cannot be empty");
  if (dialling.endpoint.empty()) {
    return refusal(400, asterisk.is_old()
                            ? "external_host cannot be empty"
                            : "external_host is required for all but websocket server connections");
  }
  if (format.empty()) return refusal(400, "format cannot be empty");
  if (dialling.endpoint.find(':') == std::string::npos) {
    return refusal(400, asterisk.is_old()
                            ? "external_host must be <host>:<port>"
                            : "external_host must be <host>:<port> for all transports other than websocket");
  }
  if (format != "ulaw" && format != "alaw" && format != "slin" && format != "slin16" && format != "gsm") {
    return asterisk.is_old() ? refusal(400, "Provided format (" + format + ") was not found")
                             : refusal(500, "An internal error prevented this request from being handled");
  }
  const auto* channel = asterisk.external_media(dialling, format);
  if (channel == nullptr) return refusal(409, "Channel with given unique ID already exists");
  auto shown = *channel;
  for (const auto* name : {"UNICASTRTP_LOCAL_PORT", "UNICASTRTP_LOCAL_ADDRESS"})
    shown.channelvars.emplace_back(name, shown.variables.at(name));
  return json_reply(shown.json());
}

HttpReply dial(Asterisk& asterisk, const Call& call, Channel& channel) {
  if (channel.state != "Down") return refusal(409, "Channel is not in the 'Down' state");
  asterisk.dial(channel, call.params.number("timeout", 0));
  return no_content();
}

HttpReply answer_channel(Asterisk& asterisk, const Call&, Channel& channel) {
  if (channel.state != "Up") asterisk.set_state(channel, "Up");
  return no_content();
}

HttpReply hangup(Asterisk& asterisk, const Call& call) {
  if (asterisk.channel(call.id()) == nullptr) return channel_not_found();
  const auto reason = call.params.text("reason");
  const auto code = asterisk.is_old() ? "" : call.params.text("reason_code");
  if (!reason.empty() && !code.empty())
    return refusal(400, "The reason and reason_code can't both be specified");
  int cause = 16;
  if (!reason.empty()) {
    const auto known = cause_of_reason(reason);
    if (!known) {
      return refusal(400,
                     asterisk.is_old() ? "Invalid reason for hangup provided"
                                       : "Invalid reason for hangup reason provided",
                     "Invalid Reason");
    }
    cause = *known;
  }
  if (!code.empty()) {
    cause = leading_number(code);
    if (cause < 1 || cause > 127)
      return refusal(400, "Invalid reason for hangup reason code provided", "Invalid Reason Code");
  }
  asterisk.hangup(call.id(), cause);
  return no_content();
}

HttpReply continue_dialplan(Asterisk& asterisk, const Call& call, Channel& channel) {
  asterisk.continue_in_dialplan(channel, call.params.text("context"), call.params.text("extension"),
                                call.params.number("priority", 0));
  return no_content();
}

HttpReply move(Asterisk& asterisk, const Call& call, Channel& channel) {
  asterisk.move_to_app(channel, call.params.text("app"), call.params.text("appArgs"));
  return no_content();
}

HttpReply redirect(Asterisk&, const Call& call, Channel& channel) {
  const auto endpoint = call.params.text("endpoint");
  if (endpoint.empty()) return refusal(400, "Required parameter 'endpoint' not provided.", "Not Found");
  const auto technology = endpoint.substr(0, endpoint.find('/'));
  if (technology == channel.technology()) return no_content();
  return refusal(422, "Endpoint technology '" + technology + "' does not match channel technology '" +
                          channel.technology() + "'");
}

HttpReply send_dtmf(Asterisk& asterisk, const Call& call, Channel& channel) {
  const auto digits = call.params.text("dtmf");
  if (digits.empty()) return refusal(400, "DTMF is required");
  const auto step =
      static_cast<uint64_t>(call.params.number("between", 100) + call.params.number("duration", 100));
  for (size_t i = 0; i < digits.size(); ++i) {
    asterisk.timers.after(step * (i + 1), [&asterisk, peer = channel.peer, digit = digits.substr(i, 1)] {
      asterisk.dtmf_received(peer, digit, 100);
    });
  }
  return no_content();
}

HttpReply mute(Asterisk&, const Call& call, Channel&) {
  const auto direction = call.params.text("direction");
  if (direction.empty()) return refusal(400, "Direction is required");
  if (direction != "in" && direction != "out" && direction != "both")
    return refusal(400, "Invalid direction specified");
  return no_content();
}

HttpReply nothing(Asterisk&, const Call&, Channel&) {
  return no_content();
}

HttpReply hold(Asterisk& asterisk, const Call&, Channel& channel) {
  if (channel.incoming) asterisk.publish_device(channel.device(), "ONHOLD");
  return no_content();
}

HttpReply unhold(Asterisk& asterisk, const Call&, Channel& channel) {
  if (channel.incoming) asterisk.publish_device(channel.device(), "INUSE");
  return no_content();
}

HttpReply get_channel_variable(Asterisk& asterisk, const Call& call) {
  const auto name = call.params.text("variable");
  if (name.empty()) return refusal(400, "Variable name is required");
  auto* channel = asterisk.channel(call.id());
  if (channel == nullptr) return refusal(404, "Provided channel was not found", "Channel Not Found");
  std::string value;
  if (name.back() == ')') {
    if (name == "CHANNEL(name)") value = channel->name;
    if (name == "CHANNEL(state)") value = channel->state;
    if (value.empty()) return refusal(500, "Unable to read provided function", "Error With Function");
  } else if (const auto found = channel->variables.find(name); found != channel->variables.end()) {
    value = found->second;
  }
  if (value.empty()) return refusal(404, "Provided variable was not found", "Variable Not Found");
  return json_reply(Object().text("value", value).str());
}

HttpReply set_channel_variable(Asterisk& asterisk, const Call& call) {
  const auto name = call.params.text("variable");
  if (name.empty()) return refusal(400, "Variable name is required");
  auto* channel = asterisk.channel(call.id());
  if (channel == nullptr) return channel_not_found();
  if (channel->stasis.empty()) return refusal(409, "Channel not in Stasis application");
  if (name == "CHANNEL(language)") channel->language = call.params.text("value");  // no event tells it
  if (name.back() != ')') asterisk.publish_varset(*channel, name, call.params.text("value"));
  return no_content();
}

HttpReply snoop(Asterisk& asterisk, const Call& call) {
  const auto spy = call.params.text("spy");
  const auto whisper = call.params.text("whisper");
  const auto good = [](const std::string& way) {
    return way.empty() || way == "none" || way == "both" || way == "in" || way == "out";
  };
  if (!good(spy)) return refusal(400, "Invalid direction specified for spy");
  if (!good(whisper)) return refusal(400, "Invalid direction specified for whisper");
  if ((spy.empty() || spy == "none") && (whisper.empty() || whisper == "none"))
    return refusal(400, "Direction must be specified for at least spy or whisper");
  const auto app = call.params.text("app");
  if (app.empty()) return refusal(400, "Application name is required");
  auto* target = asterisk.channel(call.id());
  if (target == nullptr) return refusal(404, "Provided channel was not found", "Channel Not Found");
  auto id = call.params.text("snoopId");
  if (id.empty() && call.parts.size() > 1) id = call.parts[1];
  const auto* channel = asterisk.snoop(*target, id, app, call.params.text("appArgs"));
  return channel != nullptr ? json_reply(channel->json())
                            : refusal(500, "Snoop channel could not be created", "Internal error");
}

}  // namespace

std::span<const Route> channel_routes() {
  static constexpr Route routes[] = {
      {"GET", "/channels", list_channels},
      {"POST", "/channels", originate},
      {"POST", "/channels/create", create_channel},
      {"POST", "/channels/externalMedia", external_media},
      {"GET", "/channels/{}", get_channel},
      {"POST", "/channels/{}", originate},
      {"DELETE", "/channels/{}", hangup},
      {"POST", "/channels/{}/dial", held<dial>},
      {"POST", "/channels/{}/answer", controlled<answer_channel>},
      {"POST", "/channels/{}/continue", controlled<continue_dialplan>},
      {"POST", "/channels/{}/move", controlled<move>},
      {"POST", "/channels/{}/redirect", controlled<redirect>},
      {"POST", "/channels/{}/ring", controlled<nothing>},
      {"DELETE", "/channels/{}/ring", controlled<nothing>},
      {"POST", "/channels/{}/dtmf", controlled<send_dtmf>},
      {"POST", "/channels/{}/mute", controlled<mute>},
      {"DELETE", "/channels/{}/mute", controlled<mute>},
      {"POST", "/channels/{}/hold", controlled<hold>},
      {"DELETE", "/channels/{}/hold", controlled<unhold>},
      {"POST", "/channels/{}/moh", controlled<nothing>},
      {"DELETE", "/channels/{}/moh", controlled<nothing>},
      {"POST", "/channels/{}/silence", controlled<nothing>},
      {"DELETE", "/channels/{}/silence", controlled<nothing>},
      {"GET", "/channels/{}/variable", get_channel_variable},
      {"POST", "/channels/{}/variable", set_channel_variable},
      {"POST", "/channels/{}/snoop", snoop},
      {"POST", "/channels/{}/snoop/{}", snoop},
  };
  return routes;
}

}  // namespace aribus::sim
