#include "cli/calls_table.h"

#include <algorithm>
#include <set>

#include "cli/terminal.h"

namespace aribus::cli {
namespace {

constexpr size_t max_ended = 1000;
constexpr size_t max_shown =
    100'000;  // channels, and bridges; as many as the daemon knows. Others are left out
constexpr size_t max_with_bytes =
    16'384;  // of the names of the others in a bridge: more than a line can show

const JsonValue* list_of(const JsonValue& object, std::string_view name) {
  const JsonValue* list = find(object, name);
  return list != nullptr && list->IsArray() ? list : nullptr;
}

std::string part(const JsonValue& object, std::string_view inner, std::string_view name) {
  const JsonValue* found = find(object, inner);
  return found == nullptr ? "" : std::string(find_string(*found, name));
}

Style style_of(std::string_view state) {
  if (state == "Up") return Style::green;
  return state == "Down" ? Style::grey : Style::yellow;
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
  if (const JsonValue* bridges = list_of(lists, "bridges")) {
    for (const JsonValue& item : bridges->GetArray()) {
      if (const JsonValue* bridge = find(item, "bridge")) show_bridge(server_of(item), *bridge);
    }
  }
  if (const JsonValue* channels = list_of(lists, "channels")) {
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
  std::vector<std::string>& channels = bridges_[{server, id}];
  for (const std::string& channel : channels) bridge_of_.erase({server, channel});
  channels.clear();
  if (const JsonValue* list = list_of(bridge, "channels")) {
    for (const JsonValue& channel : list->GetArray()) {
      if (!channel.IsString()) continue;
      channels.emplace_back(as_view(channel));
      bridge_of_[{server, channels.back()}] = id;
    }
  }
}

void CallsTable::forget(const std::string& server, const JsonValue& record, std::string_view member) {
  const JsonValue* ids = list_of(record, member);
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

// What lives is in the record; all else has ended unseen.
void CallsTable::keep(const std::string& server, const JsonValue& record) {
  const auto keep_of = [&](auto& things, std::string_view member) {
    std::set<std::string_view> live;
    if (const JsonValue* ids = list_of(record, member)) {
      for (const JsonValue& id : ids->GetArray()) {
        if (id.IsString()) live.insert(as_view(id));
      }
    }
    std::erase_if(things, [&](const auto& entry) {
      return entry.first.first == server && !live.contains(entry.first.second);
    });
  };
  keep_of(channels_, "channels");
  keep_of(bridges_, "bridges");
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
  if (type == "state.changed") {
    if (const JsonValue* objects = find(record, "objects")) show_items(server, *objects);
    return;
  }
  if (type == "BridgeAttendedTransfer" || type == "BridgeBlindTransfer") return;  // it shows what was before
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

std::string CallsTable::with_whom(const Key& key, const Channel& channel) const {
  std::string with;
  if (const auto at = bridge_of_.find(key); at != bridge_of_.end()) {
    if (const auto bridge = bridges_.find({key.first, at->second}); bridge != bridges_.end()) {
      for (const std::string& id : bridge->second) {
        const auto other = channels_.find({key.first, id});
        if (id == key.second) continue;
        if (with.size() > max_with_bytes) break;
        with += (with.empty() ? "" : ", ") + (other == channels_.end() ? id : who_is(other->second.shown));
      }
    }
    return with.empty() ? "(alone in a bridge)" : with;
  }
  const std::string number = part(channel.shown, "connected", "number");
  if (number.empty()) return with;
  const std::string name = part(channel.shown, "connected", "name");
  return name.empty() ? number : name + " <" + number + ">";
}

std::vector<Text> CallsTable::lines(WallTime now, size_t lines, size_t columns) const {
  constexpr size_t of_state = 9, of_time = 12, of_app = 14;
  const size_t rest =
      columns > of_state + of_time + of_app + 24 ? columns - of_state - of_time - of_app - 4 : 24;
  const size_t of_id = rest / 4, of_who = (rest - of_id) / 2, of_with = rest - of_id - of_who;
  std::vector<Text> out;
  out.push_back(Text(fitted("WHO", of_who) + " " + fitted("WITH", of_with) + " " + fitted("STATE", of_state) +
                         fitted("TIME", of_time) + " " + fitted("APP", of_app) + " " +
                         fitted("CHANNEL", of_id),
                     Style::bold));
  std::vector<const std::pair<const Key, Channel>*> sorted;
  for (const auto& entry : channels_) sorted.push_back(&entry);
  std::ranges::sort(sorted, {},
                    [](const auto* entry) { return std::pair(entry->second.began, entry->first); });
  for (const auto* entry : sorted) {
    if (out.size() + 1 >= lines && sorted.size() - out.size() + 1 > 1) {
      out.emplace_back("… and " + std::to_string(sorted.size() - out.size() + 1) + " more");
      break;
    }
    const auto& [key, channel] = *entry;
    const std::string_view state = find_string(channel.shown, "state");
    out.push_back(fitted(who_is(channel.shown), of_who) + " " + fitted(with_whom(key, channel), of_with) +
                  " " + Text(fitted(state, of_state), style_of(state)) +
                  fitted(duration_text(channel.began, now), of_time) + " " + fitted(channel.app, of_app) +
                  " " + fitted(key.second, of_id));
  }
  return out;
}

}  // namespace aribus::cli
