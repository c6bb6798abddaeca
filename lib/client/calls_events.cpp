#include "client/calls_detail.h"

namespace aribus::client {
namespace {

bool wants(const ServeOptions& options, const std::string& began, const ChannelState& channel, bool is_told) {
  if (!channel.args.empty() && channel.args.front() == leg_mark) return false;
  if (channel.args.size() < options.args.size()) return false;
  if (!std::equal(options.args.begin(), options.args.end(), channel.args.begin())) return false;
  return is_told || options.existing || find_string(channel.data, "creationtime", began) >= began;
}

}  // namespace

void Calls::take(const Item& item) {
  const std::string_view server = find_string(item.fields, "server"), app = find_string(item.fields, "app");
  const JsonValue* channel = find(item.fields, "channel");
  const std::string& type = item.type;
  if (type == "subscribed" || type == "lost") {
    const JsonValue* resumed = find(item.fields, "resumed");
    if (type == "lost" || (resumed != nullptr && resumed->IsFalse())) start(catch_up());
  } else if (type == "StasisStart") {
    const JsonValue* synthetic = find(item.fields, "synthetic");
    entered(server, app, strings_in(item.fields, "args"), *channel, synthetic == nullptr);
  } else if (type == "PlaybackFinished") {
    ended("playback", server, item.fields);
  } else if (type == "RecordingFinished" || type == "RecordingFailed") {
    ended("recording", server, item.fields);
  } else if (type == "state.changed") {
    const JsonValue* objects = find(item.fields, "objects");
    for (const auto& [list, kind] :
         {std::pair{"playbacks", "playback"}, std::pair{"recordings", "recording"}}) {
      const JsonValue* changed = objects == nullptr ? nullptr : find(*objects, list);
      if (changed == nullptr || !changed->IsArray()) continue;
      for (const JsonValue& one : changed->GetArray()) ended(kind, server, one);
    }
  } else if (type == "BridgeDestroyed") {
    const auto bridge = bridges_.find(std::string(find_string(item.fields["bridge"], "id")));
    if (bridge != bridges_.end()) bridge_gone(BridgePtr(bridge->second));
  } else if (type == "server.resynced" || type == "server.removed") {
    const std::vector<std::string> there = strings_in(item.fields, "channels");
    const auto known = channels_;
    for (const auto& [key, one] : known) {
      if (one->server == server && !contains(there, one->id)) gone(server, one->id);
    }
    look_at_all(server);
  } else if (type == "state.gone") {
    for (const std::string& id : strings_in(item.fields, "channels")) gone(server, id);
  } else if (channel != nullptr && channel->IsObject()) {
    const std::string id(find_string(*channel, "id"));
    const auto found = channels_.find({std::string(server), id});
    if (type == "ChannelDestroyed" ||
        (type == "StasisEnd" && found != channels_.end() && found->second->app == app))
      return gone(server, id);
    if (found == channels_.end()) return;
    const ChannelPtr known = found->second;
    known->data = copy_of(*channel);
    if (type == "ChannelDtmfReceived") {
      for (const char digit : find_string(item.fields, "digit").substr(0, 1)) known->digits.push_back(digit);
    } else if (type == "ChannelHangupRequest") {
      known->is_leaving = true;
    } else if (type == "ChannelLeftBridge") {
      const auto bridge = bridges_.find(std::string(find_string(item.fields["bridge"], "id")));
      if (bridge != bridges_.end()) left(bridge->second, known);
    }
  }
}

void Calls::entered(std::string_view server, std::string_view app, std::vector<std::string> args,
                    const JsonValue& data, bool is_told) {
  const std::string id(find_string(data, "id"));
  const std::pair<std::string, std::string> key(server, id);
  const auto known = channels_.find(key);
  if (known != channels_.end() && known->second->app == app) {
    known->second->data = copy_of(data);
    return;
  }
  if (known != channels_.end()) end(ChannelPtr(known->second));  // it was moved to another application
  const auto leg = legs_.find(id);
  const bool is_leg = leg != legs_.end();
  const ChannelPtr channel = is_leg ? leg->second : std::make_shared<ChannelState>();
  if (is_leg && !args.empty() && args.front() == leg_mark) args.erase(args.begin());
  channel->id = id;
  channel->server = server;
  channel->app = app;
  channel->args = std::move(args);
  channel->data = copy_of(data);
  if (abandoned_.contains(id)) return start(hang_up(channel));
  const auto serving = own_.contains(id) ? servings_.end() : servings_.find(channel->app);
  if (!is_leg && (serving == servings_.end() ||
                  !wants(serving->second.options, serving->second.began, *channel, is_told)))
    return;
  channels_[key] = channel;
  if (!is_leg) start(handle(serving->second, channel));
}

void Calls::gone(std::string_view server, std::string_view id) {
  own_.erase(std::string(id));
  abandoned_.erase(std::string(id));
  const auto known = channels_.find({std::string(server), std::string(id)});
  if (known != channels_.end()) end(ChannelPtr(known->second));
}

void Calls::end(const ChannelPtr& channel) {
  channels_.erase({channel->server, channel->id});
  channel->is_gone = true;
  for (const auto& [id, bridge] : bridges_) left(bridge, channel);
  for (const ChannelPtr& leg : channel->legs) start(hang_up(leg));
}

void Calls::bridge_gone(const BridgePtr& bridge) {
  bridge->is_gone = true;
  bridges_.erase(bridge->id);
}

void Calls::left(const BridgePtr& bridge, const ChannelPtr& channel) {
  if (std::erase(bridge->channels, channel) > 0) bridge->left.push_back(channel);
}

void Calls::ended(std::string_view kind, std::string_view server, const JsonValue& item) {
  const JsonValue* object = find(item, kind);
  if (object == nullptr) return;
  const std::string_view id = find_string(*object, kind == "playback" ? "id" : "name");
  const std::string_view state = find_string(*object, "state");
  if (state != "done" && state != "failed" && state != "canceled") return;
  for (const std::shared_ptr<Ending>& ending : endings_) {
    if (ending->kind != kind || ending->id != id || ending->channel->server != server || ending->is_over())
      continue;
    ending->result = copy_of(*object);
  }
}

}  // namespace aribus::client
