// Bridges: who enters, who leaves, and what their members are told.
#include <algorithm>

#include "asterisk.h"
#include "text.h"

namespace aribus::sim {
namespace {

constexpr const char* peers_variable = "BRIDGEPEER";

}  // namespace

Bridge* Asterisk::bridge(const std::string& id) {
  const auto found = bridges.find(id);
  return found == bridges.end() ? nullptr : &found->second;
}

Bridge& Asterisk::add_bridge(const std::string& id, const std::string& name, const std::string& type) {
  auto& bridge = bridges[id];
  bridge.id = id;
  bridge.name = name;
  bridge.creationtime = timestamp_now();
  if (type.find("holding") != std::string::npos) {
    bridge.type = "holding";
    bridge.technology = "holding_bridge";
  }
  publish({id}, event_of("BridgeCreated").raw("bridge", bridge.json()));
  return bridge;
}

void Asterisk::helper_in_bridge(Bridge& bridge, const std::string& helper) {
  if (helper.empty() && bridge.channels.size() < 2) return;
  const auto members = bridge.channels;
  for (const auto& id : members) {
    std::vector<std::string> names;
    if (!helper.empty()) names.push_back(helper);
    for (const auto& other : members) {
      if (other != id) names.push_back(channels[other].name);
    }
    publish_varset(channels[id], peers_variable, joined(names, ","));
  }
}

void Asterisk::connect_parties(Channel& a, Channel& b) {
  for (auto [to, from] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
    if (to->connected_name == from->caller_name && to->connected_number == from->caller_number) continue;
    to->connected_name = from->caller_name;
    to->connected_number = from->caller_number;
    publish_channel("ChannelConnectedLine", *to);
  }
}

void Asterisk::enter_bridge(Bridge& bridge, Channel& channel) {
  leave_bridge(channel, false);
  bridge.channels.push_back(channel.id);
  channel.bridge = bridge.id;
  subscribe(channel.stasis, bridge.id);
  publish({channel.id, bridge.id},
          event_of("ChannelEnteredBridge").raw("bridge", bridge.json()).raw("channel", channel.json()));
  if (bridge.channels.size() < 2 || bridge.type == "holding") return;
  helper_in_bridge(bridge, bridge.music);
  if (bridge.channels.size() == 2)
    connect_parties(channels[bridge.channels[0]], channels[bridge.channels[1]]);
}

void Asterisk::leave_bridge(Channel& channel, bool keep_interest) {
  auto* left = bridge(channel.bridge);
  channel.bridge.clear();
  if (left == nullptr) return;
  auto& members = left->channels;
  members.erase(std::remove(members.begin(), members.end(), channel.id), members.end());
  if (!channel.variables[peers_variable].empty()) publish_varset(channel, peers_variable, "");
  publish({channel.id, left->id},
          event_of("ChannelLeftBridge").raw("bridge", left->json()).raw("channel", channel.json()));
  if (!keep_interest) unsubscribe(channel.stasis, left->id);
}

void Asterisk::destroy_bridge(const std::string& id) {
  auto* gone = bridge(id);
  if (gone == nullptr) return;
  const auto members = gone->channels;
  for (const auto& member : members) leave_bridge(channels[member], false);
  publish({id}, event_of("BridgeDestroyed").raw("bridge", gone->json()));
  for (auto& [name, app] : apps) app.interest.erase(id);
  bridges.erase(id);
}

}  // namespace aribus::sim
