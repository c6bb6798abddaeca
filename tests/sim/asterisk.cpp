#include "asterisk.h"

#include <ctime>
#include <iterator>
#include <utility>

#include "text.h"

namespace aribus::sim {
namespace {

constexpr const char* asterisk_id = "02:00:00:00:00:01";

}  // namespace

Object event_of(std::string_view type) {
  Object out;
  out.text("type", type).text("timestamp", timestamp_now());
  return out;
}

Asterisk::Asterisk(const Options& given, Timers& the_timers,
                   std::function<void(SocketId, std::string_view)> send)
    : options(given), timers(the_timers), started(timestamp_now()), send_(std::move(send)) {}

std::string Asterisk::version() const {
  return is_old() ? "16.28.0~dfsg-0+deb11u4" : "22.10.1+dfsg+~cs6.17.60671434-1";
}

std::string Asterisk::next_id() {
  return std::to_string(std::time(nullptr)) + "." + std::to_string(ids_++);
}

void Asterisk::connect(SocketId socket, const std::vector<std::string>& names, bool all) {
  for (const auto& name : names) {
    // subscribeAll only counts for an application that isn't there yet.
    const bool lived = apps.count(name) > 0;
    auto& app = apps[name];
    if (app.socket != 0) {
      Object event = event_of("ApplicationReplaced");
      send_(app.socket, event.text("application", name).text("asterisk_id", asterisk_id).str());
    }
    app.socket = socket;
    app.all = app.all || (all && !lived);
  }
}

void Asterisk::disconnect(SocketId socket) {
  for (auto it = apps.begin(); it != apps.end();) {
    auto& app = it->second;
    if (app.socket == socket) app.socket = 0;
    // An application outlives its WebSocket while it is subscribed to something that lives.
    const bool stays = !app.interest.empty() || (app.all && is_old());
    it = app.socket == 0 && !stays ? apps.erase(it) : std::next(it);
  }
}

void Asterisk::subscribe(const std::string& app, const std::string& id) {
  if (const auto found = apps.find(app); found != apps.end()) ++found->second.interest[id];
}

void Asterisk::unsubscribe(const std::string& app, const std::string& id) {
  const auto found = apps.find(app);
  if (found == apps.end()) return;
  auto& interest = found->second.interest;
  if (const auto it = interest.find(id); it != interest.end() && --it->second <= 0) interest.erase(it);
}

void Asterisk::publish(const std::vector<std::string>& about, const Object& event, int copies_for_all) {
  for (const auto& [name, app] : apps) {
    if (app.socket == 0) continue;
    bool wanted = app.all;
    for (const auto& id : about) wanted = wanted || app.interest.count(id) > 0;
    if (!wanted) continue;
    auto text = event;
    text.text("asterisk_id", asterisk_id).text("application", name);
    for (int i = 0; i < (app.all ? copies_for_all : 1); ++i) send_(app.socket, text.str());
  }
}

void Asterisk::publish_channel(std::string_view type, const Channel& channel, const Object& fields) {
  // `fields` come between the time and the channel.
  publish({channel.id}, event_of(type).add(fields).raw("channel", channel.json()));
}

void Asterisk::publish_varset(Channel& channel, const std::string& variable, const std::string& value) {
  channel.variables[variable] = value;
  Object event;
  event.text("variable", variable).text("value", value).text("type", "ChannelVarset");
  publish({channel.id}, event.text("timestamp", timestamp_now()).raw("channel", channel.json()));
}

void Asterisk::publish_hangup_request(const Channel& channel, int cause, bool soft) {
  Object event;
  if (cause >= 0) event.number("cause", cause);
  if (soft) event.boolean("soft", true);
  event.text("type", "ChannelHangupRequest").text("timestamp", timestamp_now());
  publish({channel.id}, event.raw("channel", channel.json()));
}

void Asterisk::publish_dialplan_end(Channel& channel) {
  if (is_old()) channel.app_name = channel.app_data = "";
  publish_hangup_request(channel, 16, true);
}

void Asterisk::publish_dial(const Channel& peer, std::string_view status, std::string_view dialstring) {
  Object event = event_of("Dial");
  event.text("dialstatus", status).text("forward", "").text("dialstring", dialstring);
  publish({peer.id}, event.raw("peer", peer.json()));
}

void Asterisk::publish_device(const std::string& device, std::string_view state) {
  for (const auto& [name, app] : apps) {
    if (app.socket == 0 || !app.all) continue;
    Object event;
    event.text("type", "DeviceStateChanged").text("application", name).text("timestamp", timestamp_now());
    event.raw("device_state", Object().text("name", device).text("state", state).str());
    send_(app.socket, event.text("asterisk_id", asterisk_id).str());
  }
}

void Asterisk::dialplan(Channel& channel, const std::string& app, const std::string& data, int priority) {
  channel.app_name = app;
  channel.app_data = data;
  channel.priority = priority;
  publish_channel("ChannelDialplan", channel,
                  Object().text("dialplan_app", app).text("dialplan_app_data", data));
}

void Asterisk::set_state(Channel& channel, const std::string& state) {
  channel.state = state;
  publish_channel("ChannelStateChange", channel);
}

void Asterisk::reset() {
  channels.clear();
  bridges.clear();
  playbacks.clear();
  live.clear();
  stored.clear();
  globals.clear();
  devices.clear();
  jobs_.clear();
  for (auto& [name, app] : apps) app.interest.clear();
}

}  // namespace aribus::sim
