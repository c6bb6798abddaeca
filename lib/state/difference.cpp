#include "state/difference.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <set>

#include "base/json.h"
#include "base/object_text.h"

namespace aribus::state {
namespace {

using record::Record;

// Of bridges in records about their members: of a bridge with n channels there may be n such records.
constexpr size_t max_member_bytes = 16 << 20;

std::string string_in(std::string_view object, std::string_view name) {
  const Result<Json> json = parse_json(object);
  return json && json->IsObject() ? std::string(find_string(*json, name)) : std::string();
}

// The Stasis application that a channel is in and what it was given, as the channel itself shows it.
struct InStasis {
  std::string app;
  std::string args = "[]";  // JSON
};
std::optional<InStasis> in_stasis(std::string_view channel) {
  const Result<Json> json = parse_json(channel);
  const JsonValue* dialplan = json ? find(*json, "dialplan") : nullptr;
  if (dialplan == nullptr || !dialplan->IsObject() || find_string(*dialplan, "app_name") != "Stasis") {
    return {};
  }
  std::vector<std::string> words(1);
  for (const char c : find_string(*dialplan, "app_data")) {
    c == ',' ? static_cast<void>(words.emplace_back()) : words.back().push_back(c);
  }
  InStasis in{words.front()};
  in.args = "[";
  for (size_t i = 1; i < words.size(); ++i) in.args += (i > 1 ? "," : "") + string_text(words[i]);
  in.args += "]";
  return in;
}

std::vector<std::string> members_of_bridge(std::string_view bridge) {
  std::vector<std::string> channels;
  const Result<Json> json = parse_json(bridge);
  const JsonValue* list = json ? find(*json, "channels") : nullptr;
  if (list == nullptr || !list->IsArray()) return channels;
  for (const JsonValue& id : list->GetArray()) {
    if (id.IsString()) channels.emplace_back(as_view(id));
  }
  return channels;
}

// The same for looking them up; none when there is no bridge.
std::set<std::string> member_set_of_bridge(const std::string* bridge) {
  if (bridge == nullptr) return {};
  const std::vector<std::string> members = members_of_bridge(*bridge);
  return {members.begin(), members.end()};
}

// Finds the difference, kind by kind, and puts its records together.
class Finder {
 public:
  Finder(const std::string& server, const std::vector<std::string>& apps, const Model& known,
         const Survey& survey, uint64_t begin, WallTime now)
      : server_(server), apps_(apps), known_(known), survey_(survey), begin_(begin), now_(now) {}

  Difference find() {
    for (const IdKind kind : {IdKind::playback, IdKind::recording}) ends_of_media(kind);
    bridges_left();
    channels_ended();
    channels_that_live();
    bridges_that_live();
    for (const auto& [id, text] : things(IdKind::endpoint)) shown(IdKind::endpoint, id, text);
    for (const auto& [id, text] : things(IdKind::device)) shown(IdKind::device, id, text);
    return std::move(found_);
  }

 private:
  using Member = std::pair<std::string_view, std::string>;

  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& things(IdKind kind) const {
    return survey_.things[static_cast<size_t>(kind)];
  }
  [[nodiscard]] bool told_since(IdKind kind, std::string_view id) const {
    return known_.touched_since(begin_, kind, id);
  }

  void add(std::string_view type, std::string_view app, std::initializer_list<Member> members) {
    Record record;
    record.time = now_;
    record.server = server_;
    record.app = app;
    record.type = type;
    for (const auto& [name, json] : members) {
      if (json.empty()) continue;
      record.add_member(name, json);
      if (json.front() == '{') record::lift_ids(json, record.ids);
    }
    record.add_member("synthetic", "true");
    found_.records.push_back(std::move(record));
  }

  // The applications that a bridge's records go to: those that its channels are in, as the one or the other
  // list of them says; if that is none, those that were told of it before. "" stands for none of all.
  [[nodiscard]] std::vector<std::string> apps_of_bridge(std::string_view id,
                                                        const std::vector<std::string>& channels) const {
    std::vector<std::string> apps;
    for (const std::string& channel : channels) {
      std::string app = app_of(channel);
      if (!app.empty() && std::ranges::find(apps, app) == apps.end()) apps.push_back(std::move(app));
    }
    if (apps.empty()) {
      const auto told_to = known_.told_to(IdKind::bridge, id);
      apps.assign(told_to.begin(), told_to.end());
    }
    if (apps.empty()) apps.emplace_back();
    return apps;
  }

  // The application that a channel is in, by what Asterisk answers or else by what was known; or "".
  [[nodiscard]] std::string app_of(std::string_view channel) const {
    if (const std::string* text = survey_.find(IdKind::channel, channel)) {
      const std::optional<InStasis> in = in_stasis(*text);
      return in && std::ranges::find(apps_, in->app) != apps_.end() ? in->app : "";
    }
    const Thing* known = known_.find(IdKind::channel, channel);
    return known == nullptr ? "" : known->app;
  }

  // The applications that a channel's records go to: the one that it is in, or those that were told of it.
  [[nodiscard]] std::vector<std::string> apps_of_channel(std::string_view id, const std::string& app) const {
    const auto told_to = known_.told_to(IdKind::channel, id);
    if (!app.empty() || told_to.empty()) return {app};
    return {told_to.begin(), told_to.end()};
  }

  // Of a playback or recording: those of what it is on.
  [[nodiscard]] std::vector<std::string> apps_of_media(IdKind kind, std::string_view id,
                                                       std::string_view text) const {
    const std::string target = string_in(text, "target_uri");
    const std::string on = target.substr(target.find(':') + 1);
    if (target.starts_with("channel:")) {
      if (std::string app = app_of(on); !app.empty()) return {std::move(app)};
    } else if (const Thing* bridge = known_.find(IdKind::bridge, on)) {
      return apps_of_bridge(on, members_of_bridge(bridge->text));
    }
    const auto told_to = known_.told_to(kind, id);
    return told_to.empty() ? std::vector<std::string>{""}
                           : std::vector<std::string>(told_to.begin(), told_to.end());
  }

  void add(std::string_view type, const std::vector<std::string>& apps, std::initializer_list<Member> members) {
    for (const std::string& app : apps) add(type, app, members);
  }

  // Of a record about one member of a bridge, which shows the whole bridge.
  bool has_room_for(size_t bytes) {
    if (bytes > member_bytes_left_) return false;
    member_bytes_left_ -= bytes;
    return true;
  }

  void ends_of_media(IdKind kind) {
    const bool playback = kind == IdKind::playback;
    for (const auto& [id, thing] : known_.of(kind)) {
      if (told_since(kind, id)) continue;
      const std::string* text = survey_.find(kind, id);
      if (text == nullptr) {
        ++found_.ended;
        add(playback ? "PlaybackFinished" : "RecordingFinished", apps_of_media(kind, id, thing.text),
            {{playback ? "playback" : "recording", thing.text}});
      } else if (*text != thing.text) {
        ++found_.changed;
        add(playback ? "PlaybackStarted" : "RecordingStarted", apps_of_media(kind, id, *text),
            {{playback ? "playback" : "recording", *text}});
      }
    }
  }

  void bridges_left() {
    for (const auto& [id, bridge] : known_.of(IdKind::bridge)) {
      if (told_since(IdKind::bridge, id)) continue;
      const std::string* text = survey_.find(IdKind::bridge, id);
      const std::set<std::string> stay = member_set_of_bridge(text);
      const std::string& shown = text == nullptr ? bridge.text : *text;
      const std::vector<std::string> members = members_of_bridge(bridge.text);
      for (const std::string& member : members) {
        const Thing* channel = stay.contains(member) ? nullptr : known_.find(IdKind::channel, member);
        if (channel == nullptr || !has_room_for(shown.size() + channel->text.size())) continue;
        add("ChannelLeftBridge", apps_of_channel(member, channel->app),
            {{"bridge", shown}, {"channel", channel->text}});
      }
      if (text != nullptr) continue;
      ++found_.ended;
      add("BridgeDestroyed", apps_of_bridge(id, members), {{"bridge", bridge.text}});
    }
  }

  void channels_ended() {
    for (const auto& [id, channel] : known_.of(IdKind::channel)) {
      if (told_since(IdKind::channel, id) || survey_.find(IdKind::channel, id) != nullptr) continue;
      ++found_.ended;
      if (!channel.app.empty()) add("StasisEnd", channel.app, {{"channel", channel.text}});
      add("ChannelDestroyed", apps_of_channel(id, channel.app),
          {{"cause", "0"}, {"cause_txt", R"("Unknown")"}, {"channel", channel.text}});
    }
  }

  void channels_that_live() {
    for (const auto& [id, text] : things(IdKind::channel)) {
      const Thing* before = known_.find(IdKind::channel, id);
      if (told_since(IdKind::channel, id)) continue;
      if (before == nullptr && !survey_.heard.has(IdKind::channel, id)) continue;
      const std::optional<InStasis> now = in_stasis(text);
      const std::string app = now && std::ranges::find(apps_, now->app) != apps_.end() ? now->app : "";
      const bool left = before != nullptr && !before->app.empty() && app != before->app;
      const bool entered = !app.empty() && (before == nullptr || app != before->app);
      if (left) add("StasisEnd", before->app, {{"channel", text}});
      if (entered) {
        add("StasisStart", app, {{"args", now->args}, {"channel", text}});
      } else if (before == nullptr) {
        add("ChannelCreated", apps_of_channel(id, ""), {{"channel", text}});
      } else if (!left && before->text != text) {
        add("ChannelStateChange", apps_of_channel(id, app), {{"channel", text}});
      }
      if (before == nullptr) {
        ++found_.came;
      } else if (left || entered || before->text != text) {
        ++found_.changed;
      }
    }
  }

  void bridges_that_live() {
    for (const auto& [id, text] : things(IdKind::bridge)) {
      const Thing* before = known_.find(IdKind::bridge, id);
      if (told_since(IdKind::bridge, id)) continue;
      if (before == nullptr && !survey_.heard.has(IdKind::bridge, id)) continue;
      if (before != nullptr && before->text == text) continue;
      ++(before == nullptr ? found_.came : found_.changed);
      const std::vector<std::string> members = members_of_bridge(text);
      add("BridgeCreated", apps_of_bridge(id, members), {{"bridge", text}});
      const std::set<std::string> were = member_set_of_bridge(before == nullptr ? nullptr : &before->text);
      for (const std::string& member : members) {
        if (were.contains(member)) continue;
        const std::string* found = survey_.find(IdKind::channel, member);
        const std::string channel = found == nullptr ? "" : *found;
        if (has_room_for(text.size() + channel.size()))
          add("ChannelEnteredBridge", apps_of_channel(member, app_of(member)),
              {{"bridge", text}, {"channel", channel}});
      }
    }
  }

  // Of an endpoint or a device.
  void shown(IdKind kind, const std::string& id, const std::string& text) {
    const Thing* before = known_.find(kind, id);
    if (told_since(kind, id) || !survey_.heard.has(kind, id)) return;
    if (before != nullptr && string_in(before->text, "state") == string_in(text, "state")) return;
    ++(before == nullptr ? found_.came : found_.changed);
    if (kind == IdKind::endpoint) {
      add("EndpointStateChange", "", {{"endpoint", text}});
    } else {
      add("DeviceStateChanged", "", {{"device_state", text}});
      found_.records.back().ids.add(kind, id);  // which is not recognised by its shape
    }
  }

  const std::string& server_;
  const std::vector<std::string>& apps_;
  const Model& known_;
  const Survey& survey_;
  uint64_t begin_;
  WallTime now_;
  size_t member_bytes_left_ = max_member_bytes;
  Difference found_;
};

}  // namespace

Difference difference(const std::string& server, const std::vector<std::string>& apps, const Model& known,
                      const Survey& survey, uint64_t begin, WallTime now) {
  return Finder(server, apps, known, survey, begin, now).find();
}

Record gone(const std::string& server, const Model& known, const Heard& heard, uint64_t begin, WallTime now,
            bool& more) {
  Record record = record::own_record("state.gone", server, {}, now);
  for (const IdKind kind : {IdKind::channel, IdKind::bridge, IdKind::endpoint, IdKind::device}) {
    for (const auto& [id, thing] : known.of(kind)) {
      if (heard.has(kind, id)) continue;
      if (known.touched_since(begin, kind, id)) {
        more = true;
      } else {
        record.ids.add(kind, id);
      }
    }
  }
  return record;
}

}  // namespace aribus::state
