#include "cli/calls_table.h"

#include <algorithm>
#include <set>

#include "cli/terminal.h"

namespace aribus::cli {
namespace {

constexpr size_t max_ended = 1000;
constexpr size_t max_shown =
    100'000;  // channels, and bridges; as many as the daemon knows. Others are left out
constexpr size_t max_troubled_servers = 10'000;
constexpr size_t max_with_bytes =
    16'384;  // of the names of the others in a bridge: more than a line can show

const JsonValue* find_list(const JsonValue& object, std::string_view name) {
  const JsonValue* list = find(object, name);
  return list != nullptr && list->IsArray() ? list : nullptr;
}

std::string member_of(const JsonValue& object, std::string_view inner, std::string_view name) {
  const JsonValue* found = find(object, inner);
  return found == nullptr ? "" : std::string(find_string(*found, name));
}

std::string no_connection(std::string_view since, std::string_view reason) {
  return "no connection to Asterisk since " + std::string(since) + ": " + std::string(reason);
}

}  // namespace

void CallsTable::take_snapshot(const JsonValue& snapshot) {
  channels_.clear();
  bridges_.clear();
  bridge_of_.clear();
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
}

void CallsTable::show_channel(const std::string& server, const JsonValue& channel, WallTime now) {
  Key key{server, std::string(find_string(channel, "id"))};
  const std::string_view made = find_string(channel, "creationtime");
  const auto before = channels_.find(key);
  const bool known = before != channels_.end() && find_string(before->second.shown, "creationtime") == made;
  if (!known && before == channels_.end() &&
      (channels_.size() >= max_shown ||
       std::ranges::find(ended_, Ended{key, std::string(made)}) != ended_.end())) {
    return;
  }
  if (!known && before != channels_.end()) channels_.erase(before);  // another one has its id now
  const auto at = channels_.try_emplace(std::move(key)).first;
  if (!known) at->second.began = parse_time(made).value_or(now);
  at->second.shown = copy_of(channel);
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
                             : at != channels_.end() ? find_string(at->second.shown, "creationtime")
                                                     : "");
      if (shown == nullptr || at == channels_.end() ||
          find_string(at->second.shown, "creationtime") == made) {
        if (at != channels_.end()) channels_.erase(at);
        bridge_of_.erase(key);
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
  keep_of(bridges_, "bridges");
}

void CallsTable::forget_server(std::string_view server) {
  const auto forget = [&](auto& objects) {
    std::erase_if(objects, [&](const auto& entry) { return entry.first.first == server; });
  };
  forget(channels_);
  forget(bridge_of_);
  forget(bridges_);
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
  if (type != "StasisStart" && type != "StasisEnd") return;
  if (const JsonValue* channel = find(record, "channel")) {
    const auto at = channels_.find({server, std::string(find_string(*channel, "id"))});
    if (at != channels_.end()) at->second.app = type == "StasisStart" ? find_string(record, "app") : "";
  }
}

const std::pair<const CallsTable::Key, CallsTable::Bridge>* CallsTable::bridge_of(const Key& key) const {
  const auto at = bridge_of_.find(key);
  if (at == bridge_of_.end()) return nullptr;
  const auto bridge = bridges_.find({key.first, at->second});
  return bridge == bridges_.end() ? nullptr : &*bridge;
}

std::string CallsTable::with_whom(const Key& key, const Channel& channel, std::string_view half) const {
  if (const auto* entry = bridge_of(key)) {
    const Bridge& bridge = entry->second;
    const std::string& name = bridge.name.empty() ? entry->first.second : bridge.name;
    if (bridge.type == "holding") return "waits in " + name;
    std::string with;
    for (const std::string& id : bridge.channels) {
      if (id == key.second || id == half) continue;
      if (with.size() > max_with_bytes) break;
      const auto other = channels_.find({key.first, id});
      with += (with.empty() ? "" : ", ") + (other == channels_.end() ? id : who_is(other->second.shown));
    }
    return with.empty() ? "alone in " + name : with;
  }
  const std::string number = member_of(channel.shown, "connected", "number");
  if (number.empty()) return {};
  const std::string name = member_of(channel.shown, "connected", "name");
  return name.empty() ? number : name + " <" + number + ">";
}

CallRow CallsTable::row_of(const Key& key, const Channel& channel) const {
  CallRow row;
  row.server = key.first;
  row.channels.push_back(key.second);
  row.name = find_string(channel.shown, "name");
  row.who = who_is(channel.shown);
  row.with = with_whom(key, channel, "");
  row.state = find_string(channel.shown, "state");
  row.began = channel.began;
  row.app = channel.app;
  if (const auto* entry = bridge_of(key)) {
    row.bridge_id = entry->first.second;
    row.bridge_name = entry->second.name;
    row.bridge_type = entry->second.type;
  }
  return row;
}

std::vector<CallRow> CallsTable::rows() const {
  std::vector<CallRow> rows;
  std::map<Key, const std::pair<const Key, Channel>*> second_halves;  // by the common part of both names
  for (const auto& entry : channels_) {
    const auto [local, half] = local_half(find_string(entry.second.shown, "name"));
    if (half == 2) second_halves.emplace(Key{entry.first.first, std::string(local)}, &entry);
  }
  std::set<const Key*> in_a_row;
  for (const auto& entry : channels_) {
    const auto [local, half] = local_half(find_string(entry.second.shown, "name"));
    if (half != 1) continue;
    const auto at = second_halves.find({entry.first.first, std::string(local)});
    if (at == second_halves.end()) continue;
    const auto& second = *at->second;
    in_a_row.insert(&second.first);
    in_a_row.insert(&entry.first);
    CallRow row = row_of(entry.first, entry.second);
    CallRow other = row_of(second.first, second.second);
    row.channels.push_back(second.first.second);
    if (row.app.empty()) row.app = other.app;
    // The parties of both halves of a Local channel are connected with each other.
    const bool both = !row.bridge_id.empty() && !other.bridge_id.empty();
    if (both) {
      row.with = with_whom(entry.first, entry.second, second.first.second);
      const std::string more = with_whom(second.first, second.second, entry.first.second);
      if (row.bridge_id != other.bridge_id) row.with += ", " + more;
    }
    if (row.bridge_id.empty() && !other.bridge_id.empty()) {
      row.with = std::move(other.with);
      row.bridge_id = std::move(other.bridge_id);
      row.bridge_name = std::move(other.bridge_name);
      row.bridge_type = std::move(other.bridge_type);
    } else if (row.with.empty()) {
      row.with = std::move(other.with);
    }
    rows.push_back(std::move(row));
  }
  for (const auto& entry : channels_) {
    if (!in_a_row.contains(&entry.first)) rows.push_back(row_of(entry.first, entry.second));
  }
  CallOrder().sort(rows);
  return rows;
}

}  // namespace aribus::cli
