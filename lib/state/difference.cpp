#include "state/difference.h"

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <memory>
#include <span>
#include <unordered_set>
#include <utility>

#include "base/hash.h"
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

constexpr size_t ids_a_record = 256;  // of a `state.gone`
constexpr size_t changes_at_once = 64;

constexpr IdKind media_kinds[] = {IdKind::playback, IdKind::recording};
constexpr IdKind phone_kinds[] = {IdKind::endpoint, IdKind::device};
constexpr IdKind subscribed_kinds[] = {IdKind::channel, IdKind::bridge, IdKind::endpoint, IdKind::device};

// What work with a text costs.
Slices::Done done(std::string_view text) {
  return {1 + text.size() / 2048};
}
// Of small steps: so many are one unit.
bool is_unit(size_t step) {
  return step % 16 == 15;
}

// Makes `state.gone` records.
class Gone {
 public:
  Gone(const std::string& server, WallTime now, const Publisher& publisher)
      : empty_(record::own_record(record::StateGone{}, server, now)), record_(empty_), publisher_(publisher) {}

  void add(IdKind kind, std::string_view id) { record_.ids.add(kind, id); }
  [[nodiscard]] bool is_full() const { return record_.ids.size() >= ids_a_record; }
  // Publishes it, if it names anything. Returns how many it names.
  size_t flush() {
    const size_t count = record_.ids.size();
    if (count > 0) publisher_.publish(std::exchange(record_, empty_));
    return count;
  }

 private:
  Record empty_;
  Record record_;
  const Publisher& publisher_;
};

std::string string_in(std::string_view object, std::string_view name) {
  const Result<Json> json = parse_json(object);
  return json && json->IsObject() ? std::string(find_string(*json, name)) : std::string();
}

std::vector<std::string> members_of_bridge(std::string_view bridge) {
  std::vector<std::string> channels;
  JsonTape tape;
  const JsonView json = tape.read(bridge);
  const JsonView list = json.valid() ? json.find("channels") : JsonView();
  if (!list.valid() || list.kind() != JsonKind::array) return channels;
  for (const auto& id : list.children()) {
    if (id.value().kind() == JsonKind::string) channels.push_back(id.value().string());
  }
  return channels;
}

using MemberSet = std::unordered_set<std::string_view, TextHash>;

MemberSet set_of(const std::vector<std::string>& members) {
  return {members.begin(), members.end(), 2 * members.size()};
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

  static constexpr size_t max_bytes = 256 << 10;  // of a record's objects; the last one may exceed it

 private:
  struct Part {
    record::IdSet ids;
    std::array<std::vector<std::string>, record::object_kinds> items;
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

// Finds the difference kind by kind, and publishes it on the way. `known` changes meanwhile: what was known at the
// beginning is `before_`, and of an object that a record has reported since, what is known now.
class Finder {
 public:
  Finder(const std::string& server, const std::vector<std::string>& apps, Model& known,
         const FetchedState& fetched, const Comparison& comparison, const Publisher& publisher)
      : server_(server),
        apps_(apps),
        known_(known),
        before_(known.freeze()),
        fetched_(fetched),
        comparison_(comparison),
        publisher_(publisher) {}

  Slices find() {
    for (const IdKind kind : media_kinds) {
      for (const auto& [id, object] : before_->of(kind)) {
        medium(kind, id);
        co_await done(object.text);
      }
    }
    co_await bridges_left();
    for (const auto& [id, channel] : before_->of(IdKind::channel)) {
      channel_ended(id);
      co_await done(channel.text);
    }
    for (const auto& [id, text] : objects(IdKind::channel)) {
      channel_that_lives(id, text);
      co_await done(text);
    }
    co_await bridges_that_live();
    for (const IdKind kind : phone_kinds) {
      for (const auto& [id, text] : objects(kind)) {
        shown(kind, id, text);
        co_await done(text);
      }
    }
    co_await publish_changes();
    co_await publish_gone();
  }

  void ends_of(const std::vector<std::string>& playbacks) {
    for (const std::string& id : playbacks) {
      if (fetched_.find(IdKind::playback, id) == nullptr) medium(IdKind::playback, id);
    }
    Changes changes(server_, comparison_.now);
    for (const Change& change : changes_) changes.add(change.kind, change.id, *change.text, change.to, change.app);
    for (const Record& record : changes.take()) publisher_.publish(record);
  }

  [[nodiscard]] const Difference& found() const { return found_; }

 private:
  using Member = std::pair<std::string_view, std::string_view>;

  // To be published as `state.changed`, unless a record reports the object before that.
  struct Change {
    IdKind kind;
    std::string id;
    std::shared_ptr<const std::string> own_text;
    const std::string* text;
    std::vector<std::string> to;
    std::string app;
  };

  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& objects(IdKind kind) const {
    return fetched_.objects[static_cast<size_t>(kind)];
  }
  // Whether a record from `begin` on that is not from here has reported it.
  [[nodiscard]] bool reported_since(IdKind kind, std::string_view id) const {
    const std::optional<uint64_t> seq = known_.touched(kind, id);
    if (!seq || *seq < comparison_.begin) return false;
    return !is_from_here(*seq) || reported_.contains(kind, id);
  }
  [[nodiscard]] bool is_from_here(uint64_t seq) const {
    const auto behind = std::ranges::upper_bound(published_, seq, {}, &std::pair<uint64_t, uint64_t>::first);
    return behind != published_.begin() && seq < std::prev(behind)->second;
  }
  // A record is about to be published that shows an object which is still to be compared.
  void keep_reported(IdKind kind, std::string_view id) {
    if (reported_since(kind, id)) reported_.add(kind, id);
  }
  // Valid until the next record.
  [[nodiscard]] const Object* known(IdKind kind, std::string_view id) const {
    return reported_since(kind, id) ? known_.find(kind, id) : before_->find(kind, id);
  }
  [[nodiscard]] std::span<const std::string> seen_by(IdKind kind, std::string_view id) const {
    const Object* object = known(kind, id);
    return object != nullptr ? std::span<const std::string>(object->seen_by) : known_.seen_by(kind, id);
  }
  [[nodiscard]] bool after_gap() const { return comparison_.gap_until.has_value(); }

  void publish(const Record& record) {
    const uint64_t seq = publisher_.next_seq();
    publisher_.publish(record);
    const uint64_t next = publisher_.next_seq();  // records about calls may have come with it
    if (!published_.empty() && published_.back().second == seq) {
      published_.back().second = next;
    } else {
      published_.emplace_back(seq, next);
    }
  }

  void add(std::string_view type, std::string_view app, std::initializer_list<Member> members,
           std::optional<IdKind> kind = {}, std::string_view id = {}) {
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
    if (kind) record.ids.add(*kind, id);
    publish(record);
  }
  void add(std::string_view type, const std::vector<std::string>& apps,
           std::initializer_list<Member> members) {
    for (const std::string& app : apps) add(type, app, members);
  }

  void change(IdKind kind, std::string_view id, const std::string& fetched, std::vector<std::string> to,
              std::string app = {}) {
    changes_.push_back({kind, std::string(id), nullptr, &fetched, std::move(to), std::move(app)});
  }

  // The applications that records about a bridge go to: those that its channels are in; if there are none,
  // those that received its records before; if there are none either, "" (no application).
  Slices apps_of_bridge(std::string_view id, const std::vector<std::string>& channels,
                        std::vector<std::string>& apps) {
    apps.clear();
    for (const std::string& channel : channels) {
      add_app_of(channel, apps);
      co_await Slices::Done{};
    }
    or_seen_by(IdKind::bridge, id, apps);
  }
  void add_app_of(const std::string& channel, std::vector<std::string>& apps) const {
    std::string app = app_of(channel);
    if (!app.empty() && std::ranges::find(apps, app) == apps.end()) apps.push_back(std::move(app));
  }
  void or_seen_by(IdKind kind, std::string_view id, std::vector<std::string>& apps) const {
    if (!apps.empty()) return;
    const auto seen = seen_by(kind, id);
    apps.assign(seen.begin(), seen.end());
    if (apps.empty()) apps.emplace_back();
  }

  // The application that a channel is in. If no event was missed, the known one is right; after a gap it is
  // derived from the answers, unless an event since the gap named it. A record since the answers may show
  // that it has left Stasis without naming the application: it was in one that is not ours.
  [[nodiscard]] std::string app_of(std::string_view channel) const {
    const Object* object = known(IdKind::channel, channel);
    const std::string* text = fetched_.find(IdKind::channel, channel);
    const bool is_known = object != nullptr && (after_gap() ? object->app_seq >= *comparison_.gap_until : true);
    if (is_known || text == nullptr) return object == nullptr ? "" : object->app;
    const bool newer = object != nullptr && reported_since(IdKind::channel, channel);
    return app_of_channel(fetched_, apps_, channel, newer ? object->text : *text,
                          before_->find(IdKind::channel, channel));
  }

  // The applications that records about a channel go to: the one that it is in, else those that received its
  // records before.
  [[nodiscard]] std::vector<std::string> apps_of_channel(std::string_view id, const std::string& app) const {
    const auto seen = seen_by(IdKind::channel, id);
    if (!app.empty() || seen.empty()) return {app};
    return {seen.begin(), seen.end()};
  }

  // The applications that records about a playback or recording go to: those of its channel or bridge.
  [[nodiscard]] std::vector<std::string> apps_of_media(IdKind kind, std::string_view id,
                                                       std::string_view text) const {
    const std::string target = string_in(text, "target_uri");
    const std::string on = target.substr(target.find(':') + 1);
    std::vector<std::string> apps;
    if (target.starts_with("channel:")) {
      add_app_of(on, apps);
    } else if (const Object* bridge = known(IdKind::bridge, on)) {
      // The applications of its first channels do: there may be very many.
      constexpr size_t asked = 64;
      const std::vector<std::string> members = members_of_bridge(bridge->text);
      for (size_t i = 0; i < std::min(asked, members.size()); ++i) add_app_of(members[i], apps);
      or_seen_by(IdKind::bridge, on, apps);
    }
    or_seen_by(kind, id, apps);
    return apps;
  }

  // Whether a record about one member of a bridge is still within max_member_bytes; if so, takes its bytes.
  bool has_room_for(size_t bytes) {
    if (bytes > member_bytes_left_) return false;
    member_bytes_left_ -= bytes;
    return true;
  }

  // A playback or recording. If it ended without a gap, Asterisk sent no event of it: it could not be
  // started (22.10), or its channel or bridge is no longer ours. It counts as failed. After a gap it counts
  // as done, as most do.
  void medium(IdKind kind, const std::string& id) {
    const bool playback = kind == IdKind::playback;
    const std::string* text = fetched_.find(kind, id);
    const Object* object = before_->find(kind, id);
    if (object == nullptr || reported_since(kind, id) || (text != nullptr && *text == object->text)) return;
    std::vector<std::string> apps = apps_of_media(kind, id, text == nullptr ? object->text : *text);
    if (text != nullptr) {
      ++found_.changed;
      return change(kind, id, *text, std::move(apps));
    }
    ++found_.ended;
    const std::string last = ended_text(object->text, after_gap() ? "done" : "failed");
    if (!after_gap()) {
      const auto own = std::make_shared<const std::string>(last);
      changes_.push_back({kind, id, own, own.get(), std::move(apps), {}});
    } else {
      add(playback ? "PlaybackFinished" : "RecordingFinished", apps,
          {{playback ? "playback" : "recording", last}});
    }
  }

  Slices bridges_left() {
    for (const auto& [id, bridge] : before_->of(IdKind::bridge)) {
      co_await done(bridge.text);
      const std::string* text = fetched_.find(IdKind::bridge, id);
      if (reported_since(IdKind::bridge, id)) continue;
      if (!after_gap()) {
        if (text != nullptr) continue;
        ++found_.ended;
        gone_.emplace_back(IdKind::bridge, id);
        continue;
      }
      if (text != nullptr && *text == bridge.text) continue;
      const std::vector<std::string> members = members_of_bridge(bridge.text);
      co_await done(bridge.text);
      const std::vector<std::string> present = text == nullptr ? std::vector<std::string>() : members_of_bridge(*text);
      co_await done(bridge.text);
      const MemberSet stay = set_of(present);
      const std::string& shown = text == nullptr ? bridge.text : *text;
      size_t step = 0;
      for (const std::string& member : members) {
        if (is_unit(step++)) co_await Slices::Done{};
        const Object* channel = stay.contains(member) ? nullptr : known(IdKind::channel, member);
        if (channel == nullptr || reported_since(IdKind::bridge, id) ||
            !has_room_for(shown.size() + channel->text.size()))
          continue;
        keep_reported(IdKind::channel, member);
        const std::string channel_text = channel->text;
        const std::vector<std::string> to = apps_of_channel(member, channel->app);
        for (const std::string& app : to) {
          add("ChannelLeftBridge", app, {{"bridge", shown}, {"channel", channel_text}});
          co_await done(shown);
          if (reported_since(IdKind::bridge, id)) break;
        }
      }
      if (text != nullptr || reported_since(IdKind::bridge, id)) continue;
      std::vector<std::string> apps;
      co_await apps_of_bridge(id, members, apps);
      if (reported_since(IdKind::bridge, id)) continue;
      ++found_.ended;
      add("BridgeDestroyed", apps, {{"bridge", bridge.text}});
    }
  }

  void channel_ended(const std::string& id) {
    if (reported_since(IdKind::channel, id) || fetched_.find(IdKind::channel, id) != nullptr) return;
    const Object& channel = *before_->find(IdKind::channel, id);
    ++found_.ended;
    if (!after_gap()) {
      gone_.emplace_back(IdKind::channel, id);
      return;
    }
    const std::vector<std::string> apps = apps_of_channel(id, channel.app);
    if (!channel.app.empty()) add("StasisEnd", channel.app, {{"channel", channel.text}});
    add("ChannelDestroyed", apps,
        {{"cause", "0"}, {"cause_txt", R"("Unknown")"}, {"channel", channel.text}});
  }

  void channel_that_lives(const std::string& id, const std::string& text) {
    const Object* before = known(IdKind::channel, id);
    const bool reported = reported_since(IdKind::channel, id);
    if (before == nullptr && (reported || !fetched_.is_heard(IdKind::channel, id))) return;
    // A record may have shown it since the answer; its application is determined separately.
    const bool newer = before != nullptr && reported;
    const std::string app = app_of(id);
    if (!after_gap()) return channel_changed(id, newer ? before->text : text, text, before, app);
    if (newer) {
      const Object copy = *before;  // records are published
      channel_after_gap(id, copy.text, &copy, app);
    } else {
      channel_after_gap(id, text, before, app);
    }
  }

  void channel_changed(const std::string& id, const std::string& text, const std::string& fetched,
                       const Object* before, const std::string& app) {
    if (before != nullptr && before->text == text) return;
    ++(before == nullptr ? found_.came : found_.changed);
    change(IdKind::channel, id, fetched, apps_of_channel(id, app), app);
  }

  void channel_after_gap(const std::string& id, const std::string& text, const Object* before,
                         const std::string& app) {
    const bool left = before != nullptr && !before->app.empty() && app != before->app;
    const bool entered = !app.empty() && (before == nullptr || app != before->app);
    const std::vector<std::string> to = apps_of_channel(id, app);
    if (left) add("StasisEnd", before->app, {{"channel", text}});
    if (entered) {
      add("StasisStart", app, {{"args", args_of(text, app)}, {"channel", text}});
    } else if (before == nullptr) {
      add("ChannelCreated", apps_of_channel(id, ""), {{"channel", text}});
    } else if (!left && before->text != text) {
      string_in(before->text, "state") == string_in(text, "state")
          ? change(IdKind::channel, id, *fetched_.find(IdKind::channel, id), to, app)
          : add("ChannelStateChange", to, {{"channel", text}});
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

  Slices bridges_that_live() {
    for (const auto& [id, text] : objects(IdKind::bridge)) {
      co_await done(text);
      const Object* before = before_->find(IdKind::bridge, id);
      if (reported_since(IdKind::bridge, id)) continue;
      if (before == nullptr && !fetched_.is_heard(IdKind::bridge, id)) continue;
      if (before != nullptr && before->text == text) continue;
      const std::vector<std::string> members = members_of_bridge(text);
      co_await done(text);
      const std::vector<std::string> former =
          before == nullptr ? std::vector<std::string>() : members_of_bridge(before->text);
      co_await done(text);
      std::vector<std::string> apps;
      co_await apps_of_bridge(id, members, apps);
      if (reported_since(IdKind::bridge, id)) continue;
      ++(before == nullptr ? found_.came : found_.changed);
      if (before == nullptr && after_gap()) {
        add("BridgeCreated", apps, {{"bridge", text}});
      } else {
        change(IdKind::bridge, id, text, std::move(apps));
      }
      if (!after_gap()) continue;
      const MemberSet were = set_of(former);
      size_t step = 0;
      for (const std::string& member : members) {
        if (is_unit(step++)) co_await Slices::Done{};
        if (were.contains(member)) continue;
        const std::string* fetched = fetched_.find(IdKind::channel, member);
        const std::string_view channel = fetched == nullptr ? std::string_view() : *fetched;
        if (!has_room_for(text.size() + channel.size())) continue;
        const std::vector<std::string> to = apps_of_channel(member, app_of(member));
        for (const std::string& app : to) {
          // An event that has come since is newer.
          if (reported_since(IdKind::bridge, id) || reported_since(IdKind::channel, member)) break;
          add("ChannelEnteredBridge", app, {{"bridge", text}, {"channel", channel}});
          co_await done(text);
        }
      }
    }
  }

  // For an endpoint or a device.
  void shown(IdKind kind, const std::string& id, const std::string& text) {
    const Object* before = before_->find(kind, id);
    if (reported_since(kind, id) || !fetched_.is_heard(kind, id)) return;
    if (before != nullptr && string_in(before->text, "state") == string_in(text, "state")) return;
    ++(before == nullptr ? found_.came : found_.changed);
    if (!after_gap()) return change(kind, id, text, {""});
    if (kind == IdKind::endpoint) {
      add("EndpointStateChange", "", {{"endpoint", text}});
    } else {
      // Its id is not recognised by its shape.
      add("DeviceStateChanged", "", {{"device_state", text}}, kind, id);
    }
  }

  // Each slice publishes what it has collected: an event may come before the next one.
  Slices publish_changes() {
    while (!changes_.empty()) {
      Changes changes(server_, comparison_.now);
      size_t bytes = 0;
      for (size_t count = 0; !changes_.empty() && count < changes_at_once && bytes < Changes::max_bytes; ++count) {
        const Change one = std::move(changes_.front());
        changes_.pop_front();
        if (reported_since(one.kind, one.id)) continue;
        bytes += one.text->size();
        changes.add(one.kind, one.id, *one.text, one.to, one.app);
      }
      for (const Record& record : changes.take()) publish(record);
      co_await Slices::Done{changes_at_once / 2 + bytes / 2048};
    }
  }

  Slices publish_gone() {
    const Publisher from_here{[this](const Record& record) { publish(record); }, publisher_.next_seq};
    Gone gone(server_, comparison_.now, from_here);
    while (!gone_.empty()) {
      for (size_t count = 0; !gone_.empty() && count < ids_a_record; ++count) {
        const auto [kind, id] = std::move(gone_.front());
        gone_.pop_front();
        if (!reported_since(kind, id)) gone.add(kind, id);
      }
      gone.flush();
      co_await Slices::Done{ids_a_record / 2};
    }
  }

  const std::string& server_;
  const std::vector<std::string>& apps_;
  Model& known_;
  std::shared_ptr<const Frozen> before_;
  const FetchedState& fetched_;
  Comparison comparison_;
  const Publisher& publisher_;
  std::vector<std::pair<uint64_t, uint64_t>> published_;  // ranges of the seqs of records from here
  record::IdSet reported_;  // what records from here show, and other records have reported before
  std::deque<Change> changes_;
  std::deque<std::pair<IdKind, std::string>> gone_;
  size_t member_bytes_left_ = max_member_bytes;
  Difference found_;
};

}  // namespace

Slices publish_difference(const std::string& server, const std::vector<std::string>& apps, Model& known,
                          const FetchedState& fetched, const Comparison& comparison,
                          const Publisher& publisher, Difference& found) {
  Finder finder(server, apps, known, fetched, comparison, publisher);
  co_await finder.find();
  found = finder.found();
}

std::vector<std::string> doubtful_playbacks(const Model& known) {
  std::vector<std::string> ids;
  for (const auto& [id, object] : known.of(IdKind::playback)) {
    if (!is_sound(object.text)) ids.push_back(id);
  }
  return ids;
}

std::vector<Record> ends_of_playbacks(const std::string& server, const std::vector<std::string>& apps,
                                      Model& known, const FetchedState& fetched,
                                      const std::vector<std::string>& playbacks, uint64_t begin,
                                      WallTime now) {
  std::vector<Record> records;
  const Publisher collect{[&](const Record& record) { records.push_back(record); }, [] { return 0; }};
  const Comparison comparison{begin, {}, now};
  Finder(server, apps, known, fetched, comparison, collect).ends_of(playbacks);
  return records;
}

Record changed(const std::string& server, IdKind kind, std::string_view id, std::string_view text,
               const std::string& app, WallTime now) {
  Changes changes(server, now);
  changes.add(kind, id, text, {app});
  return std::move(changes.take().front());
}

Slices publish_unheard(const std::string& server, Model& known, const FetchedState& fetched, uint64_t begin,
                       WallTime now, const Publisher& publisher, bool& more) {
  const std::shared_ptr<const Frozen> before = known.freeze();
  Gone gone(server, now, publisher);
  for (const IdKind kind : subscribed_kinds) {
    size_t step = 0;
    for (const auto& [id, was] : before->of(kind)) {
      if (++step % ids_a_record == 0) {
        const size_t count = gone.flush();  // an event may come before the next slice
        co_await Slices::Done{ids_a_record / 16 + count / 2};
      }
      if (fetched.is_heard(kind, id)) continue;
      const Object* object = known.find(kind, id);
      if (object == nullptr || object->offered) continue;
      if (object->seq >= begin) {
        more = true;
      } else {
        gone.add(kind, id);
      }
    }
  }
  gone.flush();
}

Slices publish_all_gone(const std::string& server, Model& known, WallTime now, const Publisher& publisher) {
  const std::shared_ptr<const Frozen> before = known.freeze();
  Gone gone(server, now, publisher);
  for (const IdKind kind : subscribed_kinds) {
    for (const auto& [id, object] : before->of(kind)) {
      gone.add(kind, id);
      if (gone.is_full()) co_await Slices::Done{gone.flush() / 2};
    }
  }
  gone.flush();
}

}  // namespace aribus::state
