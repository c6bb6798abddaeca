#include "cli/calls_table.h"

#include <algorithm>
#include <set>

#include "cli/methods.h"
#include "cli/terminal.h"

namespace aribus::cli {
namespace {

constexpr size_t max_ended = 1000;
constexpr size_t max_shown =
    100'000;  // channels, and bridges; as many as the daemon knows. Others are left out
constexpr size_t max_troubled_servers = 10'000;
constexpr size_t max_with_bytes =
    2'048;  // of the names of the others in a bridge: more than a line can show. With ", …" behind it

const JsonValue* find_list(const JsonValue& object, std::string_view name) {
  const JsonValue* list = find(object, name);
  return list != nullptr && list->IsArray() ? list : nullptr;
}

std::string member_of(const JsonValue& object, std::string_view inner, std::string_view name) {
  const JsonValue* found = find(object, inner);
  return found == nullptr ? "" : std::string(find_string(*found, name));
}

record::Party party_of(const JsonValue& object, std::string_view member) {
  return {member_of(object, member, "name"), member_of(object, member, "number")};
}

// The only string in the list `name`, or "".
std::string_view only_one(const JsonValue& object, std::string_view name) {
  const auto list = list_of(object, name);
  return list.Size() == 1 && list.begin()->IsString() ? as_view(*list.begin()) : std::string_view();
}

std::string state_of(const CallRow& call) {
  if (std::ranges::any_of(call.legs, &LegRow::held)) return "on hold";
  const auto waits = [](const LegRow& leg) { return leg.bridge_type == "holding"; };
  if (std::ranges::any_of(call.legs, waits)) return "waiting";
  return call.answered ? "up" : "ringing";
}

std::string no_connection(std::string_view since, std::string_view reason) {
  return "no connection to Asterisk since " + std::string(since) + ": " + std::string(reason);
}

}  // namespace

void CallsTable::take_snapshot(const JsonValue& snapshot) {
  channels_.clear();
  bridges_.clear();
  bridge_of_.clear();
  calls_.clear();
  legs_.clear();
  show_items("", snapshot);
}

// Lists of a snapshot, or those of `server` in a state.changed.
void CallsTable::show_items(std::string_view of_server, const JsonValue& lists) {
  const auto server_of = [&](const JsonValue& item) {
    return std::string(of_server.empty() ? find_string(item, "server") : of_server);
  };
  if (const JsonValue* bridges = find_list(lists, "bridges")) {
    for (const JsonValue& item : bridges->GetArray()) {
      if (const JsonValue* bridge = find(item, "bridge")) show_bridge(server_of(item), *bridge);
    }
  }
  if (const JsonValue* channels = find_list(lists, "channels")) {
    for (const JsonValue& item : channels->GetArray()) {
      const JsonValue* channel = find(item, "channel");
      if (channel == nullptr) continue;
      const std::string server = server_of(item);
      const WallTime began = parse_time(find_string(item, "began")).value_or(WallTime());
      show_channel(server, *channel, began);
      const auto at = channels_.find({server, std::string(find_string(*channel, "id"))});
      if (at != channels_.end()) at->second.app = find_string(item, "app");
    }
  }
  for (const JsonValue& item : list_of(lists, "calls")) {
    if (const JsonValue* call = find(item, "call")) show_call(server_of(item), *call);
  }
}

// As `state.calls` has it. Its channels are known.
void CallsTable::show_call(const std::string& server, const JsonValue& call) {
  const std::string_view id = find_string(call, "id");
  const auto legs = list_of(call, "legs");
  const std::string_view first = legs.Empty() ? std::string_view() : find_string(*legs.begin(), "channel");
  Call* const added = add_call(server, id, first, call);
  if (added == nullptr) return;
  added->answered = parse_time(find_string(call, "answered"));
  for (const JsonValue& leg : legs) {
    const auto at = channels_.find({server, std::string(find_string(leg, "channel"))});
    if (find(leg, "ended") != nullptr || at == channels_.end()) continue;
    join(server, at->first.second, id);
    const JsonValue* held = find(leg, "held");
    at->second.held = held != nullptr && held->IsTrue();
  }
}

CallsTable::Call* CallsTable::add_call(const std::string& server, std::string_view id, std::string_view first,
                                       const JsonValue& shown) {
  if (id.empty() || calls_.size() >= max_shown) return nullptr;
  Call& call = calls_[std::string(id)];
  const JsonValue* complete = find(shown, "complete");
  call = {.server = server,
          .first = std::string(first),
          .direction = std::string(find_string(shown, "direction")),
          .from = party_of(shown, "from"),
          .to = party_of(shown, "to"),
          .started = parse_time(find_string(shown, "started")).value_or(WallTime()),
          .answered = {},
          .complete = complete == nullptr || !complete->IsFalse()};
  return &call;
}

void CallsTable::join(const std::string& server, std::string_view channel, std::string_view call) {
  if (channel.empty() || call.empty() || legs_.size() >= max_shown) return;
  Leg& leg = legs_[{server, std::string(channel)}];
  if (leg.call != call) leg = {std::string(call), ++places_};
}

// A record lists the calls of all its channels, and does not say which channel is of which call.
void CallsTable::take_legs(const std::string& server, const JsonValue& record, std::string_view type) {
  const std::string_view call = only_one(record, "calls");
  if (call.empty()) return;
  const auto join_known = [&](std::string_view id) {
    if (channels_.contains({server, std::string(id)})) join(server, id, call);
  };
  join_known(only_one(record, "channels"));
  if (type == "StasisStart") join_known(member_of(record, "channel", "id"));  // whoever enters is of a call
  if (type == "Dial") {  // whoever is dialled is of the caller's call
    join_known(member_of(record, "peer", "id"));
    join_known(member_of(record, "forwarded", "id"));
  }
}

void CallsTable::take_call(const std::string& server, const JsonValue& record, std::string_view type) {
  const std::string_view id = only_one(record, "calls");
  if (type == "call.started") {
    const std::string_view first = only_one(record, "channels");
    if (add_call(server, id, first, record) != nullptr) join(server, first, id);
    return;
  }
  const auto at = calls_.find(std::string(id));
  if (type == "call.answered" && at != calls_.end()) {
    at->second.answered = parse_time(find_string(record, "answered"));
  }
  if (type != "call.ended") return;
  for (const JsonValue& channel : list_of(record, "channels")) {
    if (!channel.IsString()) continue;
    const auto leg = legs_.find({server, std::string(as_view(channel))});
    if (leg != legs_.end() && leg->second.call == id) legs_.erase(leg);
  }
  if (at != calls_.end()) calls_.erase(at);
}

void CallsTable::show_channel(const std::string& server, const JsonValue& channel, WallTime now) {
  Key key{server, std::string(find_string(channel, "id"))};
  const std::string_view made = find_string(channel, "creationtime");
  const auto before = channels_.find(key);
  const bool known = before != channels_.end() && before->second.made == made;
  if (!known && before == channels_.end() &&
      (channels_.size() >= max_shown ||
       std::ranges::find(ended_, Ended{key, std::string(made)}) != ended_.end())) {
    return;
  }
  if (!known && before != channels_.end()) channels_.erase(before);  // another one has its id now
  Channel& shown = channels_[std::move(key)];
  if (!known) shown.began = parse_time(made).value_or(now);
  shown.made = made;
  shown.name = find_string(channel, "name");
  shown.who = who_is(channel);
  shown.connected = member_of(channel, "connected", "number").empty() ? "" : party_at(channel, "connected");
  shown.state = find_string(channel, "state");
}

void CallsTable::show_bridge(const std::string& server, const JsonValue& bridge) {
  const std::string id(find_string(bridge, "id"));
  if (bridges_.size() >= max_shown && !bridges_.contains({server, id})) return;
  Bridge& shown = bridges_[{server, id}];
  shown.name = find_string(bridge, "name");
  shown.type = find_string(bridge, "bridge_type");
  std::vector<std::string>& channels = shown.channels;
  for (const std::string& channel : channels) bridge_of_.erase({server, channel});
  channels.clear();
  if (const JsonValue* list = find_list(bridge, "channels")) {
    for (const JsonValue& channel : list->GetArray()) {
      if (!channel.IsString()) continue;
      channels.emplace_back(as_view(channel));
      bridge_of_[{server, channels.back()}] = id;
    }
  }
}

void CallsTable::forget(const std::string& server, const JsonValue& record, std::string_view member) {
  const JsonValue* ids = find_list(record, member);
  if (ids == nullptr) return;
  for (const JsonValue& id : ids->GetArray()) {
    if (!id.IsString()) continue;
    const Key key{server, std::string(as_view(id))};
    if (member == "channels") {
      const auto at = channels_.find(key);
      const JsonValue* shown = find(record, "channel");
      const std::string made(shown != nullptr        ? find_string(*shown, "creationtime")
                             : at != channels_.end() ? std::string_view(at->second.made)
                                                     : "");
      if (shown == nullptr || at == channels_.end() || at->second.made == made) {
        if (at != channels_.end()) channels_.erase(at);
        bridge_of_.erase(key);
        legs_.erase(key);
      }
      ended_.push_back({key, made});
      if (ended_.size() > max_ended) ended_.pop_front();
    } else {
      bridges_.erase(key);
    }
  }
}

// The record lists all live objects; all others have ended unseen.
void CallsTable::keep(const std::string& server, const JsonValue& record) {
  const auto keep_of = [&](auto& objects, std::string_view member) {
    std::set<std::string_view> live;
    if (const JsonValue* ids = find_list(record, member)) {
      for (const JsonValue& id : ids->GetArray()) {
        if (id.IsString()) live.insert(as_view(id));
      }
    }
    std::erase_if(objects, [&](const auto& entry) {
      return entry.first.first == server && !live.contains(entry.first.second);
    });
  };
  keep_of(channels_, "channels");
  keep_of(bridge_of_, "channels");
  keep_of(legs_, "channels");
  keep_of(bridges_, "bridges");
}

void CallsTable::forget_server(std::string_view server) {
  const auto forget = [&](auto& objects) {
    std::erase_if(objects, [&](const auto& entry) { return entry.first.first == server; });
  };
  forget(channels_);
  forget(bridge_of_);
  forget(bridges_);
  forget(legs_);
  std::erase_if(calls_, [&](const auto& entry) { return entry.second.server == server; });
  trouble_.erase(std::string(server));
}

void CallsTable::take_status(const JsonValue& status) {
  trouble_.clear();
  const JsonValue* servers = find_list(status, "servers");
  if (servers == nullptr) return;
  for (const JsonValue& server : servers->GetArray()) {
    const std::string_view state = find_string(server, "state"), name = find_string(server, "name");
    if (state == "down" || state == "starting") {
      add_trouble(name, no_connection(find_string(server, "since"), find_string(server, "reason")));
    } else if (state == "replaced") {
      add_trouble(name, std::string(find_string(server, "reason")));
    }
  }
}

void CallsTable::add_trouble(std::string_view server, std::string sentence) {
  if (trouble_.size() < max_troubled_servers) trouble_[std::string(server)] = std::move(sentence);
}

std::string CallsTable::trouble() const {
  if (trouble_.empty()) return {};
  const auto& [server, sentence] = *trouble_.begin();
  if (trouble_.size() == 1) return server + ": " + sentence;
  std::string names;
  for (const auto& entry : trouble_) names += (names.empty() ? "" : ", ") + entry.first;
  return "no events of " + std::to_string(trouble_.size()) + " Asterisks: " + names;
}

void CallsTable::apply(const JsonValue& record) {
  const std::string server(find_string(record, "server"));
  const std::string_view type = find_string(record, "type");
  const WallTime now = parse_time(find_string(record, "time")).value_or(WallTime());
  if (type == "state.gone") {
    forget(server, record, "channels");
    forget(server, record, "bridges");
    return;
  }
  if (type == "server.resynced") return keep(server, record);
  if (type == "server.removed") return forget_server(server);
  if (type == "server.connected") trouble_.erase(server);
  if (type == "server.disconnected")
    return add_trouble(server, no_connection(find_string(record, "time"), find_string(record, "reason")));
  if (type == "server.replaced") {
    return add_trouble(
        server, "another client has taken over the application " + std::string(find_string(record, "app")));
  }
  if (type == "state.changed") {
    if (const JsonValue* objects = find(record, "objects")) show_items(server, *objects);
    return;
  }
  if (type.starts_with("call.")) return take_call(server, record, type);
  if (type == "BridgeAttendedTransfer" || type == "BridgeBlindTransfer")
    return;  // it shows the state before the transfer
  if (type == "BridgeDestroyed") return forget(server, record, "bridges");
  if (type == "ChannelDestroyed") return forget(server, record, "channels");
  // Whatever is shown: ARI's Channel and Bridge are known by fields that nothing else has.
  for (const auto& member : record.GetObject()) {
    const JsonValue& value = member.value;
    if (!value.IsObject() || find_string(value, "id").empty() || as_view(member.name) == "replace_channel")
      continue;
    if (find(value, "bridge_type") != nullptr) show_bridge(server, value);
    if (find(value, "dialplan") != nullptr) show_channel(server, value, now);
  }
  take_legs(server, record, type);
  const JsonValue* channel = find(record, "channel");
  if (channel == nullptr) return;
  const auto at = channels_.find({server, std::string(find_string(*channel, "id"))});
  if (at == channels_.end()) return;
  if (type == "ChannelHold" || type == "ChannelUnhold") at->second.held = type == "ChannelHold";
  if (type == "StasisEnd") at->second.app.clear();
  if (type == "StasisStart") {
    at->second.app = find_string(record, "app");
    enter(server, record, *channel);
  }
}

// An outbound call: who is called is known better now, as in `state.calls`.
void CallsTable::enter(const std::string& server, const JsonValue& record, const JsonValue& channel) {
  const auto call = calls_.find(std::string(only_one(record, "calls")));
  if (call == calls_.end() || call->second.direction != "outbound" || call->second.server != server ||
      call->second.first != find_string(channel, "id"))
    return;
  record::Party &from = call->second.from, &to = call->second.to;
  if (from.number.empty()) from = party_of(channel, "connected");
  const record::Party caller = party_of(channel, "caller");
  const bool is_same = caller.number == from.number && caller.name == from.name;
  if (!caller.number.empty() && !is_same) to = caller;
}

const std::pair<const CallsTable::Key, CallsTable::Bridge>* CallsTable::bridge_of(const Key& key) const {
  const auto at = bridge_of_.find(key);
  if (at == bridge_of_.end()) return nullptr;
  const auto bridge = bridges_.find({key.first, at->second});
  return bridge == bridges_.end() ? nullptr : &*bridge;
}

std::string CallsTable::with_whom(const Key& key, const Channel& channel) const {
  const auto* entry = bridge_of(key);
  if (entry == nullptr) return channel.connected;
  const Bridge& bridge = entry->second;
  const std::string& name = bridge.name.empty() ? entry->first.second : bridge.name;
  if (bridge.type == "holding") return "waits in " + name;
  std::string with;
  for (const std::string& id : bridge.channels) {
    if (id == key.second) continue;
    if (with.size() > max_with_bytes) return with + ", …";
    const auto other = channels_.find({key.first, id});
    with += (with.empty() ? "" : ", ") + (other == channels_.end() ? id : other->second.who);
  }
  return with.empty() ? "alone in " + name : with;
}

LegRow CallsTable::leg_of(const Key& key, const Channel& channel) const {
  LegRow leg;
  leg.server = key.first;
  leg.channel = key.second;
  leg.name = channel.name;
  leg.who = channel.who;
  leg.with = with_whom(key, channel);
  leg.state = channel.state;
  leg.began = channel.began;
  leg.app = channel.app;
  leg.held = channel.held;
  if (const auto* entry = bridge_of(key)) {
    leg.bridge_id = entry->first.second;
    leg.bridge_name = entry->second.name;
    leg.bridge_type = entry->second.type;
  }
  return leg;
}

// Without legs. Of a call whose beginning a rule for access does not show, only its id is known.
CallRow CallsTable::row_of(const std::string& id) const {
  CallRow row;
  row.id = id;
  const auto at = calls_.find(id);
  if (at == calls_.end()) return row;
  const Call& call = at->second;
  row.direction = call.direction;
  row.from = call.from;
  row.to = call.to;
  row.started = call.started;
  row.answered = call.answered;
  row.complete = call.complete;
  row.who = party_text(call.from.name, call.from.number);
  row.called = party_text(call.to.name, call.to.number);
  return row;
}

std::vector<CallRow> CallsTable::rows() const {
  std::vector<CallRow> rows;
  std::unordered_map<std::string_view, size_t> row_at;  // by the id of the call
  for (const auto& [key, channel] : channels_) {
    LegRow leg = leg_of(key, channel);
    const auto joined = legs_.find(key);
    if (joined == legs_.end()) {
      CallRow& row = rows.emplace_back();
      row.who = leg.who;
      row.legs.push_back(std::move(leg));
      continue;
    }
    leg.place = joined->second.place;
    const auto [at, is_new] = row_at.try_emplace(joined->second.call, rows.size());
    if (is_new) rows.push_back(row_of(joined->second.call));
    rows[at->second].legs.push_back(std::move(leg));
  }
  for (CallRow& row : rows) {
    std::ranges::sort(row.legs, {}, &LegRow::place);
    if (row.id.empty()) continue;
    row.state = state_of(row);
    if (row.who.empty()) row.who = row.legs.front().who;
    if (row.started == WallTime()) row.started = row.legs.front().began;
  }
  // The halves of Local channels.
  std::map<std::pair<std::string_view, std::string_view>, LegRow*> first_halves;  // by server and common name
  for (CallRow& row : rows) {
    for (LegRow& leg : row.legs) {
      const auto [local, half] = local_half(leg.name);
      if (half == 0) continue;
      const auto [other, is_first] = first_halves.try_emplace({leg.server, local}, &leg);
      if (is_first) continue;
      leg.half = other->second->channel;
      other->second->half = leg.channel;
    }
  }
  return rows;
}

}  // namespace aribus::cli
