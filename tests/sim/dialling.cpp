// Channels that Asterisk makes itself: originate, create and dial, snoop, external media.
#include "asterisk.h"
#include "cause.h"
#include "text.h"

namespace aribus::sim {
namespace {

constexpr uint64_t answers_after_ms = 5;

// "answer@default/n" -> "answer"
std::string extension_of(const std::string& dialstring) {
  return dialstring.substr(0, dialstring.find_first_of("@/"));
}

bool is_known(const std::string& extension) {
  for (const auto* known : {"answer", "echo", "ring", "busy", "congestion", "dtmf", "s"}) {
    if (extension == known) return true;
  }
  return false;
}

}  // namespace

std::pair<Channel*, Channel*> Asterisk::add_local(const Dialling& dialling) {
  const auto slash = dialling.endpoint.find('/');
  const auto dialstring = dialling.endpoint.substr(slash + 1);
  const auto id = dialling.id.empty() ? next_id() : dialling.id;
  auto other = dialling.other_id;
  if (other.empty()) other = dialling.id.empty() ? next_id() : dialling.id + ";2";
  if (dialling.endpoint.substr(0, slash) != "Local" || channel(id) != nullptr || channel(other) != nullptr)
    return {nullptr, nullptr};
  const auto at = dialstring.find('@');
  const auto name = "Local/" + extension_of(dialstring) + "@" +
                    (at == std::string::npos ? "default" : extension_of(dialstring.substr(at + 1))) + "-" +
                    hex8(local_count++);
  auto& near = add_channel(id, name + ";1");
  auto& far = add_channel(other, name + ";2");
  far.state = "Ring";
  near.peer = other;
  far.peer = id;
  near.exten = far.exten = extension_of(dialstring);
  near.dialstring = dialstring;
  publish_channel("ChannelCreated", near);
  publish_channel("ChannelCreated", far);
  return {&near, &far};
}

void Asterisk::set_parties(Channel& channel, const Dialling& dialling) {
  if (dialling.caller_number.empty() && dialling.caller_name.empty()) return;
  const auto connect = [&] {
    channel.connected_name = dialling.caller_name;
    channel.connected_number = dialling.caller_number;
  };
  channel.caller_name = dialling.caller_name;
  channel.caller_number = dialling.caller_number;
  if (channel.dialstring.empty()) connect();  // the far end is told both at once
  Object presentation;
  presentation.number("caller_presentation", 0);
  presentation.text("caller_presentation_txt", "Presentation Allowed, Not Screened");
  publish_channel("ChannelCallerId", channel, presentation);
  connect();
  publish_channel("ChannelConnectedLine", channel);
}

Channel* Asterisk::originate(const Dialling& dialling) {
  const auto [near, far] = add_local(dialling);
  if (near == nullptr) return nullptr;
  near->hold_app = "AppDial2";
  near->hold_data = "(Outgoing Line)";
  for (auto* end : {near, far}) {
    for (const auto& [name, value] : dialling.variables) end->variables[name] = value;
  }
  dialplan(*near, "AppDial2", "(Outgoing Line)", 1);
  for (const auto& [name, value] : dialling.variables) publish_varset(*near, name, value);
  set_parties(*near, dialling);
  const auto id = near->id;
  const auto far_id = far->id;
  if (!dialling.app.empty()) {
    subscribe(dialling.app, id);
    subscribe(dialling.app, far_id);
  }
  if (!is_known(near->exten)) {
    timers.after(1, [this, id, far_id, device = near->device()] {
      destroy(far_id, 0);
      destroy(id, 0);
      publish_device(device, "INVALID");
      publish_device(device, "INVALID");
    });
    return near;
  }
  set_parties(*far, dialling);
  for (const auto& [name, value] : dialling.variables) publish_varset(*far, name, value);
  publish_dial(*near, "", near->dialstring);
  far_end(id, far_id, near->dialstring, dialling.timeout, [this, dialling](Channel& answered) {
    if (dialling.app.empty()) {
      answered.hold_app.clear();
      answered.hold_data.clear();
      return dialplan(answered, "Answer", "", 1);
    }
    answered.app_name = "Stasis";
    answered.app_data = dialling.app_args.empty() ? dialling.app : dialling.app + "," + dialling.app_args;
    publish_varset(answered, "STASISSTATUS", "");
    enter_stasis(answered, dialling.app, dialling.app_args);
  });
  return near;
}

Channel* Asterisk::create(const Dialling& dialling) {
  const auto [near, far] = add_local(dialling);
  if (near == nullptr) return nullptr;
  for (const auto& [name, value] : dialling.variables) near->variables[name] = value;
  const auto data = dialling.app_args.empty() ? dialling.app : dialling.app + "," + dialling.app_args;
  const auto id = near->id;
  subscribe(dialling.app, id);
  timers.after(1, [this, id, data, dialling] {
    auto* made = channel(id);
    if (made == nullptr) return;
    dialplan(*made, "Stasis", data.empty() ? "(null)" : data, 1);
    publish_varset(*made, "STASISSTATUS", "");
    enter_stasis(*made, dialling.app, dialling.app_args);
  });
  return near;
}

void Asterisk::dial(Channel& near, int timeout) {
  auto* far = channel(near.peer);
  if (far == nullptr) return;
  // A Local channel hands its variables to its other half when it is called.
  for (const auto& [name, value] : near.variables) publish_varset(*far, name, value);
  publish_dial(near, "", near.dialstring);
  far_end(near.id, far->id, "", timeout, [](Channel&) {});
}

void Asterisk::far_end(const std::string& near_id, const std::string& far_id, const std::string& dialstring,
                       int timeout, const std::function<void(Channel&)>& answered) {
  channels[far_id].in_dialplan = true;
  timers.after(answers_after_ms, [this, near_id, far_id, dialstring, timeout, answered] {
    auto* near = channel(near_id);
    auto* far = channel(far_id);
    if (near == nullptr || far == nullptr) return;
    const auto exten = far->exten;
    if (exten == "ring") return far_end_rings(near_id, dialstring, timeout);
    if (exten == "busy" || exten == "congestion")
      return far_end_refuses(*near, *far, dialstring, exten == "busy");
    dialplan(*far, "Answer", "", 1);
    set_state(*far, "Up");
    set_state(*near, "Up");
    publish_dial(*near, "ANSWER", dialstring);
    answered(*near);
    if (near = channel(near_id); near == nullptr) return;
    publish_device(near->device(), "INUSE");
    publish_device(near->device(), "INUSE");
    if (exten == "echo") return far_end_goes_on(far_id, "Echo", "");
    far_end_goes_on(far_id, "Wait", exten == "dtmf" ? "1" : "3600");
    if (exten != "dtmf") return;
    timers.after(1500, [this, far_id] {
      auto* sender = channel(far_id);
      if (sender == nullptr) return;
      dialplan(*sender, "SendDTMF", "55", 3);
      for (const uint64_t ms : {250, 600}) {
        timers.after(ms, [this, id = sender->peer] { dtmf_received(id, "5", 100); });
      }
      timers.after(700, [this, far_id] {
        if (auto* waiting = channel(far_id)) dialplan(*waiting, "Wait", "3600", 4);
      });
    });
  });
}

void Asterisk::far_end_goes_on(const std::string& far_id, const std::string& app, const std::string& data) {
  timers.after(500, [this, far_id, app, data] {
    if (auto* far = channel(far_id)) dialplan(*far, app, data, 2);
  });
}

void Asterisk::far_end_rings(const std::string& near_id, const std::string& dialstring, int timeout) {
  auto& near = *channel(near_id);
  auto& far = *channel(near.peer);
  dialplan(far, "Ringing", "", 1);
  set_state(near, "Ringing");
  dialplan(far, "Wait", "3600", 2);
  publish_dial(near, "RINGING", dialstring);
  publish_device(near.device(), "INUSE");
  if (timeout <= 0) return;
  timers.after(static_cast<uint64_t>(timeout) * 1000, [this, near_id] {
    auto* caller = channel(near_id);
    if (caller == nullptr || caller->state == "Up") return;
    const auto far_id = caller->peer;
    const auto device = caller->device();
    const int cause = is_old() ? 0 : 19;
    if (!caller->stasis.empty()) return hangup(near_id, is_old() ? 16 : 19);
    auto* far_end = channel(far_id);
    if (far_end != nullptr) publish_hangup_request(*far_end, cause, false);
    destroy(near_id, cause);
    publish_device(device, "NOT_INUSE");
    if (far_end == nullptr) return;
    publish_dialplan_end(*far_end);
    far_end->app_name = far_end->app_data = "";
    destroy(far_id, cause);
    publish_device(device, "NOT_INUSE");
  });
}

void Asterisk::far_end_refuses(Channel& near, Channel& far, const std::string& dialstring, bool busy) {
  const auto near_id = near.id;
  const auto far_id = far.id;
  const auto device = near.device();
  dialplan(far, busy ? "Busy" : "Congestion", "20", 1);
  set_state(far, "Busy");
  publish_device(device, "NOT_INUSE");
  publish_device(device, "NOT_INUSE");
  publish_dial(near, busy ? "BUSY" : "CONGESTION", dialstring);
  publish_hangup_request(far, 0, false);
  destroy(near_id, 0);
  publish_dialplan_end(far);
  far.app_name = far.app_data = "";
  destroy(far_id, busy ? 17 : 34);
  publish_device(device, "NOT_INUSE");
}

Channel* Asterisk::snoop(Channel& target, const std::string& id, const std::string& app,
                         const std::string& args) {
  const auto chosen = id.empty() ? next_id() : id;
  if (channel(chosen) != nullptr) return nullptr;
  auto& spy = add_channel(chosen, "Snoop/" + target.id + "-" + hex8(helper_count++));
  spy.state = "Up";
  spy.spied = target.id;
  publish_channel("ChannelCreated", spy);
  timers.after(1, [this, chosen, app, args] {
    auto* made = channel(chosen);
    if (made == nullptr) return;
    dialplan(*made, "Stasis", args.empty() ? app : app + "," + args, 1);
    publish_varset(*made, "STASISSTATUS", "");
    enter_stasis(*made, app, args);
  });
  return &spy;
}

Channel* Asterisk::external_media(const Dialling& dialling, const std::string& format) {
  const auto id = dialling.id.empty() ? next_id() : dialling.id;
  if (channel(id) != nullptr) return nullptr;
  auto& media =
      add_channel(id, "UnicastRTP/" + dialling.endpoint + "-0x7f0000" + hex8(0x1000 + helper_count++));
  media.hold_app = "AppDial2";
  media.hold_data = "(Outgoing Line)";
  for (const auto& [name, value] : dialling.variables) media.variables[name] = value;
  publish_channel("ChannelCreated", media);
  publish_varset(media, "UNICASTRTP_LOCAL_ADDRESS", "127.0.0.1");
  publish_varset(media, "UNICASTRTP_LOCAL_PORT", "20052");
  dialplan(media, "AppDial2", "(Outgoing Line)", 1);
  subscribe(dialling.app, id);
  const auto dialstring = is_old() ? dialling.endpoint : dialling.endpoint + "/c(" + format + ")";
  publish_dial(media, "", dialstring);
  timers.after(1, [this, id, dialstring, app = dialling.app] {
    auto* up = channel(id);
    if (up == nullptr) return;
    set_state(*up, "Up");
    publish_dial(*up, "ANSWER", dialstring);
    up->app_name = "Stasis";
    up->app_data = app;
    publish_varset(*up, "STASISSTATUS", "");
    enter_stasis(*up, app, "");
    if (up = channel(id); up != nullptr) publish_device(up->device(), "INUSE");
  });
  return &media;
}

}  // namespace aribus::sim
