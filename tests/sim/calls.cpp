// Channels coming, entering and leaving Stasis, and going.
#include <utility>

#include "asterisk.h"
#include "cause.h"
#include "text.h"

namespace aribus::sim {

Channel* Asterisk::channel(const std::string& id) {
  const auto found = channels.find(id);
  return found == channels.end() ? nullptr : &found->second;
}

Channel& Asterisk::add_channel(const std::string& id, const std::string& name) {
  auto& channel = channels[id];
  channel.id = id;
  channel.name = name;
  channel.creationtime = timestamp_now();
  return channel;
}

std::string Asterisk::incoming(const std::string& app, const std::string& caller,
                               const std::string& caller_name, const std::string& exten,
                               const std::vector<std::string>& args) {
  auto& channel = add_channel(next_id(), "PJSIP/sipp-" + hex8(local_count++));
  channel.incoming = channel.in_dialplan = true;
  channel.state = "Ring";
  if (!is_old()) channel.protocol_id = random_uuid();
  channel.caller_name = caller_name;
  channel.caller_number = caller;
  channel.context = "from-sip";
  channel.exten = exten;
  publish_channel("ChannelCreated", channel);
  publish_varset(channel, "SIPDOMAIN", "127.0.0.1");
  std::string data = app;
  for (const auto& arg : args) data += "," + arg;
  dialplan(channel, "Stasis", data, 1);
  publish_varset(channel, "STASISSTATUS", "");
  const auto id = channel.id;
  enter_stasis(channel, app, joined(args, ","));
  return id;
}

void Asterisk::enter_stasis(Channel& channel, const std::string& app, const std::string& args) {
  channel.app_name = "Stasis";
  channel.app_data = args.empty() ? app : app + "," + args;
  if (apps.count(app) == 0) {
    publish_varset(channel, "STASISSTATUS", "FAILED");
    channel.stasis.clear();
    hangup(channel.id, 16);
    return;
  }
  channel.stasis = app;
  subscribe(app, channel.id);
  publish_channel("StasisStart", channel, Object().raw("args", quoted_list(split(args, ','))));
}

void Asterisk::leave_stasis(Channel& channel) {
  stop_media(channel);
  leave_bridge(channel, channel.leaving);
  publish_channel("StasisEnd", channel);
  unsubscribe(std::exchange(channel.stasis, ""), channel.id);
}

void Asterisk::destroy(const std::string& id, int cause) {
  auto* gone = channel(id);
  if (gone == nullptr) return;
  Object fields;
  fields.number("cause", cause).text("cause_txt", cause_text(cause));
  if (gone->incoming && cause == 17 && !is_old()) fields.number("tech_cause", 486);
  publish_channel("ChannelDestroyed", *gone, fields);
  for (auto& [name, app] : apps) app.interest.erase(id);
  jobs_.erase("channel:" + id);
  channels.erase(id);
  std::vector<std::string> spies;
  for (const auto& [spy, channel] : channels) {
    if (channel.spied == id) spies.push_back(spy);
  }
  for (const auto& spy : spies) {
    leave_stasis(channels[spy]);
    publish_varset(channels[spy], "STASISSTATUS", "SUCCESS");
    channels[spy].app_name = channels[spy].app_data = "";
    destroy(spy, 0);
  }
}

// The other half of a Local channel, after the first has gone.
void Asterisk::destroy_peer(const std::string& id, int cause) {
  auto* peer = channel(id);
  if (peer == nullptr) return;
  peer->leaving = true;
  if (!peer->stasis.empty()) {
    leave_stasis(*peer);
    publish_varset(*peer, "STASISSTATUS", "SUCCESS");
  } else if (peer->in_dialplan) {
    publish_dialplan_end(*peer);
  }
  const bool called = peer->in_dialplan || !peer->dialstring.empty();
  peer->app_name = peer->hold_app;
  peer->app_data = peer->hold_data;
  const auto device = peer->device();
  destroy(id, called ? cause : 0);
  publish_device(device, "NOT_INUSE");
}

void Asterisk::qos(Channel& channel) {
  publish_varset(channel, "RTPAUDIOQOS",
                 "ssrc=1;themssrc=0;lp=0;rxjitter=0.000000;rxcount=0;txjitter=0.000000;"
                 "txcount=0;rlp=0;rtt=0.000000;rxmes=0.000000;txmes=0.000000");
  for (const auto* what : {"JITTER", "LOSS", "RTT", "MES"}) {
    if (is_old() && std::string_view(what) == "MES") continue;
    publish_varset(channel, std::string("RTPAUDIOQOS") + what,
                   "min=000.000000;max=000.000000;avg=000.000000;");
  }
}

void Asterisk::hangup(const std::string& id, int cause) {
  auto* gone = channel(id);
  if (gone == nullptr || std::exchange(gone->leaving, true)) return;
  const auto* peer = channel(gone->peer);
  if (gone->incoming && gone->state == "Up") qos(*gone);
  publish_hangup_request(*gone, 32, true);
  if (!gone->stasis.empty()) {
    leave_stasis(*gone);
    publish_varset(*gone, "STASISSTATUS", "SUCCESS");
  }
  if (gone->in_dialplan) publish_dialplan_end(*gone);
  if (peer != nullptr && (peer->in_dialplan || gone->in_dialplan))
    publish_hangup_request(*peer, cause, false);
  gone->app_name = gone->hold_app;
  gone->app_data = gone->hold_data;
  const auto device = gone->device();
  const auto peer_id = gone->peer;
  destroy(id, cause);
  destroy_peer(peer_id, cause);
  publish_device(device, "NOT_INUSE");
}

void Asterisk::hangup_by_caller(const std::string& id, int cause) {
  auto* gone = channel(id);
  if (gone == nullptr || std::exchange(gone->leaving, true)) return;
  if (gone->state == "Up") qos(*gone);
  publish_hangup_request(*gone, cause >= 0 ? cause : is_old() ? 16 : -1, false);
  if (!gone->stasis.empty()) {
    leave_stasis(*gone);
    publish_varset(*gone, "STASISSTATUS", "SUCCESS");
  }
  publish_dialplan_end(*gone);
  gone->app_name.clear();
  gone->app_data.clear();
  const auto device = gone->device();
  destroy(id, cause >= 0 ? cause : is_old() ? 16 : 0);
  publish_device(device, "NOT_INUSE");
}

void Asterisk::dtmf_received(const std::string& id, const std::string& digit, int duration_ms) {
  auto* to = channel(id);
  if (to == nullptr) return;
  publish_channel("ChannelDtmfReceived", *to,
                  Object().text("digit", digit).number("duration_ms", duration_ms));
  std::vector<std::string> ended;
  for (const auto& [name, recording] : live) {
    if (recording.target == "channel:" + id &&
        (recording.terminate_on == "any" || recording.terminate_on == digit))
      ended.push_back(name);
  }
  for (const auto& name : ended) stop_recording(name, true);
}

void Asterisk::move_to_app(Channel& channel, const std::string& app, const std::string& args) {
  const std::string list = quoted_list(split(args, ','));
  if (apps.count(app) == 0)
    return publish_channel("ApplicationMoveFailed", channel, Object().text("destination", app).raw("args", list));
  leave_stasis(channel);
  channel.stasis = app;
  subscribe(app, channel.id);
  publish_channel("StasisStart", channel, Object().raw("args", list));
}

void Asterisk::continue_in_dialplan(Channel& channel, const std::string& context, const std::string& exten,
                                    int priority) {
  const auto id = channel.id;
  const auto move = [&] {
    if (!context.empty()) channel.context = context;
    if (!exten.empty()) channel.exten = exten;
  };
  if (is_old()) move();  // 16 tells of the new place already in StasisEnd
  leave_stasis(channel);
  move();
  if (channel.context == "default" && channel.exten == "s" && priority == 1) {
    const auto arrived = channel.variables["REACHED_FROM"];
    dialplan(channel, "Set", "ARRIVED=" + arrived, 1);
    publish_varset(channel, "ARRIVED", arrived);
    dialplan(channel, "Hangup", "16", 2);
    publish_varset(channel, "STASISSTATUS", "SUCCESS");
  } else {
    publish_varset(channel, "STASISSTATUS", "SUCCESS");
    if (channel.incoming) dialplan(channel, "Hangup", "", channel.priority + 1);
  }
  channel.leaving = true;
  const auto peer_id = channel.peer;
  if (auto* peer = this->channel(peer_id); peer != nullptr && peer->in_dialplan)
    publish_hangup_request(*peer, 16, false);
  if (channel.incoming) publish_dialplan_end(channel);
  channel.app_name.clear();
  channel.app_data.clear();
  destroy(id, 16);
  destroy_peer(peer_id, 16);
}

int Asterisk::many_calls(const std::string& app, int count, uint64_t interval_ms) {
  if (const auto found = apps.find(app); found == apps.end() || found->second.socket == 0) return 0;
  const auto one = [this, app](const std::string& id) {
    Channel channel;
    channel.id = id;
    channel.name = "PJSIP/sipp-" + hex8(local_count++);
    channel.state = "Up";
    channel.caller_name = "Alice";
    channel.caller_number = "100";
    channel.context = "from-sip";
    channel.exten = app;
    channel.app_name = "Stasis";
    channel.app_data = app;
    channel.creationtime = timestamp_now();
    subscribe(app, id);
    publish_channel("StasisStart", channel, Object().raw("args", "[]"));
    publish_varset(channel, "STASISSTATUS", "SUCCESS");
    publish_channel("StasisEnd", channel);
    publish_channel("ChannelDestroyed", channel,
                    Object().number("cause", 16).text("cause_txt", cause_text(16)));
    unsubscribe(app, id);
  };
  for (int i = 0; i < count; ++i) {
    const auto id = next_id();
    if (interval_ms == 0) {
      one(id);
    } else {
      timers.after(interval_ms * static_cast<uint64_t>(i), [one, id] { one(id); });
    }
  }
  return 4 * count;
}

void Asterisk::demo_call(const std::string& app, uint64_t hangup_after_ms) {
  timers.after(1, [this, app, hangup_after_ms] {
    const auto id = incoming(app, "100", "Alice", app, {"inbound", "100"});
    timers.after(hangup_after_ms * 6 / 10, [this, id] {
      if (auto* caller = channel(id); caller != nullptr && caller->state == "Up") dtmf_received(id, "5", 120);
    });
    timers.after(hangup_after_ms, [this, id] { hangup_by_caller(id, -1); });
  });
}

}  // namespace aribus::sim
