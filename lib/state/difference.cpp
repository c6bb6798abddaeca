#include "state/difference.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>

#include "json/json.h"
#include "json/json_builder.h"
#include "json/json_tape.h"
#include "record/answer.h"
#include "record/own_records.h"
#include "state/stasis.h"

namespace aribus::state {
namespace {

using record::Record;

// Bound, in bytes, of all records about members of bridges in one difference: for a bridge with n channels
// there may be n such records, and each shows the whole bridge.
constexpr size_t max_member_bytes = 16 << 20;

std::string string_in(std::string_view object, std::string_view name) {
  const Result<Json> json = parse_json(object);
  return json && json->IsObject() ? std::string(find_string(*json, name)) : std::string();
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

// The same as a set; empty if there is no bridge.
std::set<std::string> member_set_of_bridge(const std::string* bridge) {
  if (bridge == nullptr) return {};
  const std::vector<std::string> members = members_of_bridge(*bridge);
  return {members.begin(), members.end()};
}

// `object` with the `state` of its end, for an end that no event reported.
std::string ended_text(std::string_view object, std::string_view state) {
  JsonTape tape;
  ObjectBuilder text;
  for (const auto& member : tape.read(object).children()) {
    const std::string name = member.name().string();
    name == "state" ? text.text(name, state) : text.json(name, member.value().text());
  }
  return text.str();
}

// Collects the changes that Asterisk does not report and makes `state.changed` records of them, by
// application.
class Changes {
 public:
  Changes(const std::string& server, WallTime now) : server_(server), now_(now) {}

  // Adds the object `text` for each application in `to`. `app` is the application that a channel is in, or
  // "".
  void add(IdKind kind, std::string_view id, std::string_view text, const std::vector<std::string>& to,
           std::string_view app = {}) {
    ObjectBuilder item;
    if (!app.empty()) item.text("app", app);
    item.json(record::object_name(kind), text);
    for (const std::string& receiver : to) {
      Part& part = parts_[receiver];
      part.ids.add(kind, id);
      record::lift_ids(text, part.ids);
      part.bytes += text.size();
      part.items[static_cast<size_t>(kind)].push_back(item.str());
      // A program sees a record without an application as a whole or not at all: it holds one object.
      if (receiver.empty() || part.bytes > max_bytes) flush(receiver);
    }
  }
  std::vector<Record> take() {
    while (!parts_.empty()) flush(std::string(parts_.begin()->first));
    return std::move(records_);
  }

 private:
  static constexpr size_t max_bytes = 256 << 10;  // of a record's objects; the last one may exceed it

  struct Part {
    record::IdSet ids;
    std::array<std::vector<std::string>, record::id_kinds> items;
    size_t bytes = 0;
  };

  void flush(const std::string& receiver) {
    Part part = std::move(parts_.extract(receiver).mapped());
    ObjectBuilder objects;
    for (size_t kind = 0; kind < part.items.size(); ++kind) {
      if (!part.items[kind].empty())
        objects.json(record::field_name(static_cast<IdKind>(kind)), array_text(part.items[kind]));
    }
    Record record = record::own_record(record::StateChanged{{objects.str()}}, server_, now_);
    record.app = receiver;
    record.ids = std::move(part.ids);
    records_.push_back(std::move(record));
  }

  const std::string& server_;
  WallTime now_;
  std::map<std::string, Part> parts_;  // by application
  std::vector<Record> records_;
};

// Computes the difference kind by kind. Lives for one call.
class Finder {
 public:
  Finder(const std::string& server, const std::vector<std::string>& apps, const Model& known,
         const FetchedState& fetched, const Comparison& comparison)
      : server_(server),
        apps_(apps),
        known_(known),
        fetched_(fetched),
        comparison_(comparison),
        changes_(server, comparison.now),
        gone_(record::own_record(record::StateGone{}, server, comparison.now)) {}

  std::vector<Record> ends_of(const std::vector<std::string>& playbacks) {
    for (const std::string& id : playbacks) {
      const Object* object = known_.find(IdKind::playback, id);
      if (object != nullptr && fetched_.find(IdKind::playback, id) == nullptr)
        medium(IdKind::playback, id, *object);
    }
    return changes_.take();
  }

  Difference find() {
    for (const IdKind kind : {IdKind::playback, IdKind::recording}) media(kind);
    bridges_left();
    channels_ended();
    channels_that_live();
    bridges_that_live();
    for (const auto& [id, text] : objects(IdKind::endpoint)) shown(IdKind::endpoint, id, text);
    for (const auto& [id, text] : objects(IdKind::device)) shown(IdKind::device, id, text);
    for (Record& record : changes_.take()) found_.records.push_back(std::move(record));
    if (gone_.ids.size() > 0) found_.records.push_back(std::move(gone_));
    return std::move(found_);
  }

 private:
  using Member = std::pair<std::string_view, std::string>;

  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& objects(IdKind kind) const {
    return fetched_.objects[static_cast<size_t>(kind)];
  }
  [[nodiscard]] bool reported_since(IdKind kind, std::string_view id) const {
    return known_.touched_since(comparison_.begin, kind, id);
  }
  [[nodiscard]] bool after_gap() const { return comparison_.gap_until.has_value(); }

  void add(std::string_view type, std::string_view app, std::initializer_list<Member> members) {
    Record record;
    record.time = comparison_.now;
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
  void add(std::string_view type, const std::vector<std::string>& apps,
           std::initializer_list<Member> members) {
    for (const std::string& app : apps) add(type, app, members);
  }

  // The applications that records about a bridge go to: those that its channels are in; if there are none,
  // those that received its records before; if there are none either, "" (no application).
  [[nodiscard]] std::vector<std::string> apps_of_bridge(std::string_view id,
                                                        const std::vector<std::string>& channels) const {
    std::vector<std::string> apps;
    for (const std::string& channel : channels) {
      std::string app = app_of(channel);
      if (!app.empty() && std::ranges::find(apps, app) == apps.end()) apps.push_back(std::move(app));
    }
    if (apps.empty()) {
      const auto seen_by = known_.seen_by(IdKind::bridge, id);
      apps.assign(seen_by.begin(), seen_by.end());
    }
    if (apps.empty()) apps.emplace_back();
    return apps;
  }

  // The application that a channel is in. If no event was missed, the known one is right; after a gap it is
  // derived from the answers, unless an event since the gap named it.
  [[nodiscard]] std::string app_of(std::string_view channel) const {
    const Object* known = known_.find(IdKind::channel, channel);
    const std::string* text = fetched_.find(IdKind::channel, channel);
    const bool is_known = known != nullptr && (after_gap() ? known->app_seq >= *comparison_.gap_until : true);
    if (is_known || text == nullptr) return known == nullptr ? "" : known->app;
    return app_of_channel(fetched_, apps_, channel, *text, known);
  }

  // The applications that records about a channel go to: the one that it is in, else those that received its
  // records before.
  [[nodiscard]] std::vector<std::string> apps_of_channel(std::string_view id, const std::string& app) const {
    const auto seen_by = known_.seen_by(IdKind::channel, id);
    if (!app.empty() || seen_by.empty()) return {app};
    return {seen_by.begin(), seen_by.end()};
  }

  // The applications that records about a playback or recording go to: those of its channel or bridge.
  [[nodiscard]] std::vector<std::string> apps_of_media(IdKind kind, std::string_view id,
                                                       std::string_view text) const {
    const std::string target = string_in(text, "target_uri");
    const std::string on = target.substr(target.find(':') + 1);
    if (target.starts_with("channel:")) {
      if (std::string app = app_of(on); !app.empty()) return {std::move(app)};
    } else if (const Object* bridge = known_.find(IdKind::bridge, on)) {
      return apps_of_bridge(on, members_of_bridge(bridge->text));
    }
    const auto seen_by = known_.seen_by(kind, id);
    return seen_by.empty() ? std::vector<std::string>{""}
                           : std::vector<std::string>(seen_by.begin(), seen_by.end());
  }

  // Whether a record about one member of a bridge is still within max_member_bytes; if so, takes its bytes.
  bool has_room_for(size_t bytes) {
    if (bytes > member_bytes_left_) return false;
    member_bytes_left_ -= bytes;
    return true;
  }

  // Playbacks and recordings. If one ended without a gap, Asterisk sent no event of it: it could not be
  // started (22.10), or its channel or bridge is no longer ours. It counts as failed. After a gap it counts
  // as done, as most do.
  void media(IdKind kind) {
    for (const auto& [id, object] : known_.of(kind)) medium(kind, id, object);
  }
  void medium(IdKind kind, const std::string& id, const Object& object) {
    const bool playback = kind == IdKind::playback;
    const std::string* text = fetched_.find(kind, id);
    if (reported_since(kind, id) || (text != nullptr && *text == object.text)) return;
    const std::vector<std::string> apps = apps_of_media(kind, id, text == nullptr ? object.text : *text);
    if (text != nullptr) {
      ++found_.changed;
      changes_.add(kind, id, *text, apps);
      return;
    }
    ++found_.ended;
    const std::string last = ended_text(object.text, after_gap() ? "done" : "failed");
    if (!after_gap()) {
      changes_.add(kind, id, last, apps);
    } else {
      add(playback ? "PlaybackFinished" : "RecordingFinished", apps,
          {{playback ? "playback" : "recording", last}});
    }
  }

  void bridges_left() {
    for (const auto& [id, bridge] : known_.of(IdKind::bridge)) {
      if (reported_since(IdKind::bridge, id)) continue;
      const std::string* text = fetched_.find(IdKind::bridge, id);
      if (!after_gap()) {
        if (text != nullptr) continue;
        ++found_.ended;
        gone_.ids.add(IdKind::bridge, id);
        continue;
      }
      const std::set<std::string> stay = member_set_of_bridge(text);
      const std::string& shown = text == nullptr ? bridge.text : *text;
      const std::vector<std::string> members = members_of_bridge(bridge.text);
      for (const std::string& member : members) {
        const Object* channel = stay.contains(member) ? nullptr : known_.find(IdKind::channel, member);
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
      if (reported_since(IdKind::channel, id) || fetched_.find(IdKind::channel, id) != nullptr) continue;
      ++found_.ended;
      if (!after_gap()) {
        gone_.ids.add(IdKind::channel, id);
        continue;
      }
      if (!channel.app.empty()) add("StasisEnd", channel.app, {{"channel", channel.text}});
      add("ChannelDestroyed", apps_of_channel(id, channel.app),
          {{"cause", "0"}, {"cause_txt", R"("Unknown")"}, {"channel", channel.text}});
    }
  }

  void channels_that_live() {
    for (const auto& [id, text] : objects(IdKind::channel)) {
      const Object* before = known_.find(IdKind::channel, id);
      if (before == nullptr &&
          (reported_since(IdKind::channel, id) || !fetched_.subscriptions.has(IdKind::channel, id))) {
        continue;
      }
      // A record may have shown it since the answer; its application is determined separately.
      const bool newer = before != nullptr && reported_since(IdKind::channel, id);
      const std::string app = app_of(id);
      after_gap() ? channel_after_gap(id, newer ? before->text : text, before, app)
                  : channel_changed(id, newer ? before->text : text, before, app);
    }
  }

  void channel_changed(const std::string& id, const std::string& text, const Object* before,
                       const std::string& app) {
    if (before != nullptr && before->text == text) return;
    ++(before == nullptr ? found_.came : found_.changed);
    changes_.add(IdKind::channel, id, text, apps_of_channel(id, app), app);
  }

  void channel_after_gap(const std::string& id, const std::string& text, const Object* before,
                         const std::string& app) {
    const bool left = before != nullptr && !before->app.empty() && app != before->app;
    const bool entered = !app.empty() && (before == nullptr || app != before->app);
    if (left) add("StasisEnd", before->app, {{"channel", text}});
    if (entered) {
      add("StasisStart", app, {{"args", args_of(text, app)}, {"channel", text}});
    } else if (before == nullptr) {
      add("ChannelCreated", apps_of_channel(id, ""), {{"channel", text}});
    } else if (!left && before->text != text) {
      string_in(before->text, "state") == string_in(text, "state")
          ? changes_.add(IdKind::channel, id, text, apps_of_channel(id, app), app)
          : add("ChannelStateChange", apps_of_channel(id, app), {{"channel", text}});
    }
    if (before == nullptr) {
      ++found_.came;
    } else if (left || entered || before->text != text) {
      ++found_.changed;
    }
  }

  // The arguments of the dialplan's Stasis(). Those of a move are unknown.
  [[nodiscard]] static std::string args_of(const std::string& channel, const std::string& app) {
    const DialplanPlace place = DialplanPlace::of(channel);
    if (place.stasis_app() != app) return "[]";
    std::vector<std::string> args;
    for (const std::string& arg : dialplan_args(place.app_data)) args.push_back(string_text(arg));
    args.erase(args.begin());
    return array_text(args);
  }

  void bridges_that_live() {
    for (const auto& [id, text] : objects(IdKind::bridge)) {
      const Object* before = known_.find(IdKind::bridge, id);
      if (reported_since(IdKind::bridge, id)) continue;
      if (before == nullptr && !fetched_.subscriptions.has(IdKind::bridge, id)) continue;
      if (before != nullptr && before->text == text) continue;
      ++(before == nullptr ? found_.came : found_.changed);
      const std::vector<std::string> members = members_of_bridge(text);
      const std::set<std::string> were = member_set_of_bridge(before == nullptr ? nullptr : &before->text);
      if (before == nullptr && after_gap()) {
        add("BridgeCreated", apps_of_bridge(id, members), {{"bridge", text}});
      } else {
        changes_.add(IdKind::bridge, id, text, apps_of_bridge(id, members));
      }
      if (!after_gap()) continue;
      for (const std::string& member : members) {
        if (were.contains(member)) continue;
        const std::string* found = fetched_.find(IdKind::channel, member);
        const std::string channel = found == nullptr ? "" : *found;
        if (has_room_for(text.size() + channel.size())) {
          add("ChannelEnteredBridge", apps_of_channel(member, app_of(member)),
              {{"bridge", text}, {"channel", channel}});
        }
      }
    }
  }

  // For an endpoint or a device.
  void shown(IdKind kind, const std::string& id, const std::string& text) {
    const Object* before = known_.find(kind, id);
    if (reported_since(kind, id) || !fetched_.subscriptions.has(kind, id)) return;
    if (before != nullptr && string_in(before->text, "state") == string_in(text, "state")) return;
    ++(before == nullptr ? found_.came : found_.changed);
    if (!after_gap()) return changes_.add(kind, id, text, {""});
    if (kind == IdKind::endpoint) {
      add("EndpointStateChange", "", {{"endpoint", text}});
    } else {
      add("DeviceStateChanged", "", {{"device_state", text}});
      found_.records.back().ids.add(kind, id);  // lift_ids() does not recognise it by its shape
    }
  }

  const std::string& server_;
  const std::vector<std::string>& apps_;
  const Model& known_;
  const FetchedState& fetched_;
  const Comparison& comparison_;
  Changes changes_;
  Record gone_;
  size_t member_bytes_left_ = max_member_bytes;
  Difference found_;
};

}  // namespace

Difference difference(const std::string& server, const std::vector<std::string>& apps, const Model& known,
                      const FetchedState& fetched, const Comparison& comparison) {
  return Finder(server, apps, known, fetched, comparison).find();
}

std::vector<std::string> doubtful_playbacks(const Model& known) {
  std::vector<std::string> ids;
  for (const auto& [id, object] : known.of(IdKind::playback)) {
    if (!is_sound(object.text)) ids.push_back(id);
  }
  return ids;
}

std::vector<Record> ends_of_playbacks(const std::string& server, const std::vector<std::string>& apps,
                                      const Model& known, const FetchedState& fetched,
                                      const std::vector<std::string>& playbacks, uint64_t begin,
                                      WallTime now) {
  const Comparison comparison{begin, {}, now};
  return Finder(server, apps, known, fetched, comparison).ends_of(playbacks);
}

Record changed(const std::string& server, IdKind kind, std::string_view id, std::string_view text,
               const std::string& app, WallTime now) {
  Changes changes(server, now);
  changes.add(kind, id, text, {app});
  return std::move(changes.take().front());
}

Record no_longer_reported(const std::string& server, const Model& known,
                          const AppSubscriptions& subscriptions, uint64_t begin, WallTime now, bool& more) {
  Record record = record::own_record(record::StateGone{}, server, now);
  for (const IdKind kind : {IdKind::channel, IdKind::bridge, IdKind::endpoint, IdKind::device}) {
    for (const auto& [id, object] : known.of(kind)) {
      if (subscriptions.has(kind, id) || object.offered) continue;
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
