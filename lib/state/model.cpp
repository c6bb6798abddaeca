#include "state/model.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>

#include "ari/schema.h"
#include "json/find_member.h"
#include "json/json_tape.h"

namespace aribus::state {
namespace {

using record::Record;

std::optional<IdKind> kind_of(const ari::Field& field) {
  if (field.list || field.model == nullptr) return {};
  const std::string_view name = field.model->name;
  if (name == "Channel") return IdKind::channel;
  if (name == "Bridge") return IdKind::bridge;
  if (name == "Playback") return IdKind::playback;
  if (name == "LiveRecording") return IdKind::recording;
  if (name == "Endpoint") return IdKind::endpoint;
  if (name == "DeviceState") return IdKind::device;
  return {};
}

Model::Also also(std::string_view type, std::string_view member) {
  if (member != "channel") return Model::Also::nothing;
  if (type == "StasisStart") return Model::Also::enters_stasis;
  if (type == "StasisEnd") return Model::Also::leaves_stasis;
  if (type == "ChannelLeftBridge") return Model::Also::leaves_bridge;
  if (type == "CallBroadcast") return Model::Also::is_offered;
  if (type == "CallClaimed") return Model::Also::is_taken;
  return type == "ChannelVarset" ? Model::Also::sets_variable : Model::Also::nothing;
}

bool begins(std::string_view type, std::string_view member) {
  return type == "PlaybackStarted" || type == "RecordingStarted" ||
         (type == "BridgeCreated" && member == "bridge") ||
         ((type == "ChannelCreated" || type == "StasisStart") && member == "channel");
}

// Asterisk takes the snapshots in these events before the transfer, and sends them after the transfer's other
// events (22.10, 16.28). `replace_channel` also shows the channel as it was.
bool is_past(std::string_view type, std::string_view member) {
  return type == "BridgeAttendedTransfer" || type == "BridgeBlindTransfer" ||
         (type == "StasisStart" && member == "replace_channel");
}

std::vector<Model::Shown> shown_by(const ari::ModelType& event) {
  std::vector<Model::Shown> shown;
  if (!event.event) return shown;
  const std::string_view type = event.name;
  for (const ari::Field& field : event.fields) {
    if (const auto kind = kind_of(field)) {
      shown.push_back({field.name, *kind, ends_object(type, field.name), begins(type, field.name),
                       is_past(type, field.name), also(type, field.name)});
    }
  }
  return shown;
}

void note_app(std::vector<std::string>& apps, const std::string& app) {
  if (app.empty() || apps.size() >= max_apps_seen_by || std::ranges::find(apps, app) != apps.end()) return;
  apps.push_back(app);
}

}  // namespace

bool ends_object(std::string_view type, std::string_view member) {
  return (type == "ChannelDestroyed" && member == "channel") ||
         (type == "BridgeDestroyed" && member == "bridge") ||
         (type == "BridgeMerged" && member == "bridge_from") || type == "PlaybackFinished" ||
         type == "RecordingFinished" || type == "RecordingFailed";
}

bool is_over(IdKind kind, std::string_view state) {
  if (kind == IdKind::playback) return state == "done" || state == "failed";
  return kind == IdKind::recording && (state == "done" || state == "failed" || state == "canceled");
}

bool is_sound(std::string_view playback) {
  return playback.find(R"("media_uri":"sound:)") != std::string_view::npos;
}

std::pair<IdKind, std::string> changed_object(const Record& changed) {
  std::pair<IdKind, std::string> first;
  for_each_changed(changed, [&](IdKind kind, JsonView, JsonView json) {
    std::string buffer;
    if (first.second.empty()) first = {kind, std::string(id_of(kind, json.text(), buffer))};
  });
  return first;
}

Model::Model(ModelOptions options) : options_(options), calls_(versions_) {
  for (size_t i = 0; i < record::id_kinds; ++i) objects_.emplace_back(versions_);
  for (const ari::ModelType& model : ari::models()) shown_.push_back(shown_by(model));
}

void Model::apply(const Record& record, uint64_t seq) {
  latest_ = seq;
  ++applied_;
  const ari::ModelType* event = record.declared;
  if (event == nullptr) event = ari::find_model(record.type);
  if (event == nullptr) {
    if (record.type == "state.gone") forget(record, seq);
    if (record.type == "state.changed") take_changed(record, seq);
    return;
  }
  for (Shown& shown : shown_[static_cast<size_t>(event - ari::models().data())]) {
    const Sight sight(shown.kind, record, shown.member, shown.place);
    if (!sight.has_usable_id()) continue;
    if (shown.ends) {
      end(shown.kind, sight.id, sight.made(), seq, false, record.app);
    } else {
      Object* object = show(shown.kind, sight, shown, record, seq);
      if (object != nullptr && shown.also != Also::nothing) tell(*object, shown.also, record, seq);
    }
  }
}

void Model::tell(Object& channel, Also also, const Record& record, uint64_t seq) {
  if (also == Also::enters_stasis) enter(channel, record, seq);
  if (also == Also::leaves_stasis) leave(channel, record, seq);
  if (also == Also::leaves_stasis || also == Also::leaves_bridge || also == Also::is_taken) doubt_ = true;
  if (also == Also::sets_variable) set_variable(channel, record.member("variable"), record.member("value"));
  if (also == Also::is_offered) channel.offered = true;
  if (also == Also::enters_stasis || also == Also::is_taken) channel.offered = false;
}

// The order of events of several applications: see the class.
void Model::enter(Object& channel, const Record& record, uint64_t seq) {
  if (channel.app_since && record.time < *channel.app_since) return;
  if (!channel.app.empty() && channel.app != record.app && channel.ends_due.size() < max_apps_seen_by)
    channel.ends_due.push_back(channel.app);
  std::erase(channel.ends_due, record.app);
  channel.app = record.app;
  channel.app_seq = seq;
  const bool by_asterisk = record.member("synthetic").empty();
  channel.app_since = by_asterisk ? std::optional(record.time) : std::nullopt;
}

void Model::leave(Object& channel, const Record& record, uint64_t seq) {
  const bool is_other = channel.app != record.app;
  if (is_other && std::erase(channel.ends_due, record.app) > 0) return;
  if (is_other && channel.app_since && record.time <= *channel.app_since) return;
  channel.app.clear();
  channel.app_seq = seq;
}

// Applies the objects of a `state.changed`, each an item of a list, as in a snapshot.
void Model::take_changed(const Record& changed, uint64_t seq) {
  constexpr Shown as_it_is{};
  for_each_changed(changed, [&](IdKind kind, JsonView item, JsonView json) {
    const Sight sight(kind, json.text());
    if (is_over(kind, json.string_at("state")))
      return end(kind, sight.id, sight.made(), seq, false, changed.app);
    forget_end(kind, sight);
    Object* object = sight.has_usable_id() ? show(kind, sight, as_it_is, changed, seq) : nullptr;
    if (object == nullptr || kind != IdKind::channel) return;
    object->app = item.string_at("app");
    if (object->app_seq == 0) object->app_seq = seq;
  });
}

const Object* Model::find(IdKind kind, const HashedText& id) const {
  return of(kind).find(id);
}

Frozen::Frozen(std::array<FrozenObjects, record::id_kinds> objects, FrozenCalls calls, uint64_t gap_seq,
               uint64_t number, std::shared_ptr<Versions> versions)
    : objects_(std::move(objects)),
      calls_(std::move(calls)),
      gap_seq_(gap_seq),
      number_(number),
      versions_(std::move(versions)) {
  auto& kept = versions_->kept_bytes;
  if (!kept.empty()) std::prev(kept.end())->second += versions_->latest_bytes;
  versions_->latest_bytes = 0;
  kept[number_] = 0;
}

// What it has kept may be in earlier versions, too.
Frozen::~Frozen() {
  constexpr size_t freed_at_once = 256 << 10;
  if (versions_->discard && kept_bytes() > freed_at_once)
    versions_->discard(
        std::make_shared<std::pair<decltype(objects_), FrozenCalls>>(std::move(objects_), std::move(calls_)));
  auto& kept = versions_->kept_bytes;
  const auto at = kept.find(number_);
  if (at != kept.begin()) {
    std::prev(at)->second += at->second;
  } else if (kept.size() == 1) {
    versions_->latest_bytes = 0;
  }
  kept.erase(at);
}

size_t Frozen::kept_bytes() const {
  const auto at = versions_->kept_bytes.find(number_);
  return at->second + (std::next(at) == versions_->kept_bytes.end() ? versions_->latest_bytes : 0);
}

std::shared_ptr<const Frozen> Model::freeze() {
  if (auto same = frozen_.lock(); same && frozen_at_ == applied_) return same;
  const uint64_t number = version_++;
  std::array<FrozenObjects, record::id_kinds> frozen;
  for (size_t i = 0; i < objects_.size(); ++i) frozen[i] = objects_[i].freeze(version_);
  const auto made = std::make_shared<const Frozen>(std::move(frozen), calls_.freeze(version_),
                                                   calls_.gap_seq(), number, versions_);
  frozen_ = made;
  frozen_at_ = applied_;
  return made;
}

size_t Model::count_ends() {
  count_from_ = latest_;
  counted_ends_ = 0;
  return of(IdKind::channel).size();
}

std::span<const std::string> Model::seen_by(IdKind kind, std::string_view id) const {
  if (const Object* object = find(kind, id)) return object->seen_by;
  const EndedObjects& ended = ended_[static_cast<size_t>(kind)];
  const auto at = ended.find(id);
  return at == ended.end() ? std::span<const std::string>()
                           : std::span<const std::string>(at->second.seen_by);
}

std::optional<uint64_t> Model::touched(IdKind kind, std::string_view id) const {
  if (const Object* object = find(kind, id)) return object->seq;
  const EndedObjects& ended = ended_[static_cast<size_t>(kind)];
  const auto at = ended.find(id);
  return at == ended.end() ? std::nullopt : std::optional(at->second.seq);
}

bool Model::is_news(IdKind kind, std::string_view text, uint64_t before) const {
  const Sight sight(kind, text);
  if (!sight.has_usable_id()) return false;
  if (const Object* object = find(kind, sight.id)) return compare_made(object->made, sight.made()) < 0;
  const EndedObjects& ended = ended_[static_cast<size_t>(kind)];
  const auto at = ended.find(sight.id);
  if (at == ended.end()) return true;
  return sight.made().empty() ? at->second.seq <= before : compare_made(at->second.made, sight.made()) < 0;
}

// Returns nullptr if the object has ended already, or is known in a newer form. Required: its id is usable.
Object* Model::show(IdKind kind, const Sight& sight, const Shown& how, const Record& record, uint64_t seq) {
  const std::string_view id = sight.id, text = sight.text;
  const HashedText hashed = sight.hashed_id();
  Objects& all = objects(kind);
  Objects::Slot* at = all.find_slot(hashed);
  if (at != nullptr) {
    const Object& known = Objects::object(*at);
    const int order = known.made.empty() ? 0 : compare_made(known.made, sight.made());
    if (order > 0) return nullptr;
    if (order < 0 && !how.past) {  // the event of the former one's end did not come
      end(kind, id, std::string(known.made), seq, false, record.app);
      at = nullptr;
    }
  }
  if (at != nullptr && how.past) {
    note_app(all.change(*at).seen_by, record.app);
    return nullptr;
  }
  if (at == nullptr) {
    if (how.past || !bring_back(kind, sight, how.begins, record.app)) return nullptr;
    make_room(kind);
    at = &all.add(hashed);
    Object& made_now = all.change(*at);
    made_now.made = sight.made();
    made_now.began = parse_time(sight.made()).value_or(record.time);
    made_now.first_seq = seq;
    bytes_ += id.size();
    if (kind == IdKind::channel) {
      if (!unknown_.empty()) take_seats(Objects::id(*at), made_now);
      calls_.channel_shown(hashed);
    }
  }
  Object& object = all.change(*at);
  note_app(object.seen_by, record.app);
  if (kind == IdKind::playback || kind == IdKind::recording)
    put_on(target_of(text), kind, Objects::id(*at), object);
  if (kind == IdKind::playback && how.begins && !is_sound(text)) doubt_ = true;
  bytes_ += text.size() - object.text.size();
  all.grow(text.size() - object.text.size());
  object.text.assign(text);
  object.seq = seq;
  if (kind == IdKind::bridge) list_channels(Objects::id(*at), object);
  return &object;
}

// The channels of a bridge are looked up when it lists others than before.
void Model::list_channels(const std::string& id, Object& bridge) {
  if (!bridge.seat) {
    bridge.seat = std::make_shared<Seat>();
    bridge.seat->bridge = id;
  }
  Seat& seat = *bridge.seat;
  if (is_at(bridge.text, seat.list, seat.list_place)) return;
  const std::string_view text = find_member(bridge.text, "channels");
  if (text == seat.list) {
    const size_t at = bridge.text.rfind(text);
    seat.list_place = at == std::string::npos ? 0 : bridge.text.size() - at;
    return;
  }
  std::vector<std::string> now;
  static thread_local JsonTape tape;
  if (const JsonView list = tape.read(text); list.valid()) {
    for (const auto& channel : list.children()) {
      if (channel.value().kind() == JsonKind::string) now.push_back(channel.value().string());
    }
  }
  seat.list = text;
  seat.list_place = 0;
  std::vector<std::string> before = std::exchange(seat.channels, now);
  std::ranges::sort(before);
  std::ranges::sort(now);
  std::vector<std::string> others;
  std::ranges::set_difference(before, now, std::back_inserter(others));
  for (const std::string& channel : others) leave_seat(channel, bridge.seat);
  others.clear();
  std::ranges::set_difference(now, before, std::back_inserter(others));
  for (const std::string& channel : others) take_seat(channel, bridge.seat);
}

void Model::take_seat(const std::string& channel, const std::shared_ptr<Seat>& seat) {
  Objects::Slot* const at = objects(IdKind::channel).find_slot(channel);
  (at == nullptr ? unknown_[channel] : objects(IdKind::channel).change(*at).seats).push_back(seat);
}

void Model::leave_seat(const std::string& channel, const std::shared_ptr<Seat>& seat) {
  if (Objects::Slot* const at = objects(IdKind::channel).find_slot(channel)) {
    std::erase(objects(IdKind::channel).change(*at).seats, seat);
  } else if (const auto unknown = unknown_.find(channel); unknown != unknown_.end()) {
    std::erase(unknown->second, seat);
    if (unknown->second.empty()) unknown_.erase(unknown);
  }
}

// A bridge has ended. Its channels need not be changed for that.
void Model::end_seat(const Object& bridge) {
  if (!bridge.seat) return;
  bridge.seat->ended = version_;
  if (unknown_.empty()) return;
  for (const std::string& channel : bridge.seat->channels) {
    const auto unknown = unknown_.find(channel);
    if (unknown == unknown_.end()) continue;
    std::erase(unknown->second, bridge.seat);
    if (unknown->second.empty()) unknown_.erase(unknown);
  }
}

// A channel is shown that bridges list already.
void Model::take_seats(const std::string& channel, Object& object) {
  if (auto known = unknown_.extract(channel)) object.seats = std::move(known.mapped());
}

void Model::leave_seats(std::string_view channel, const Object& object) {
  for (const auto& seat : object.seats) {
    if (seat->ended > version_) unknown_[std::string(channel)].push_back(seat);
  }
}

// Asterisk has answered that it exists: what ended was an earlier object with its id.
void Model::forget_end(IdKind kind, const Sight& sight) {
  EndedObjects& ended = ended_[static_cast<size_t>(kind)];
  const auto at = ended.find(sight.id);
  if (at != ended.end() && compare_made(at->second.made, sight.made()) <= 0) ended.erase(at);
}

bool Model::is_late(const Ended& one, std::string_view made, bool begins, std::string_view app) {
  if (one.lives) return false;
  const int order = compare_made(one.made, made);
  const bool reported_there = std::ranges::find(one.ended_in, app) != one.ended_in.end();
  return order > 0 || (order == 0 && !(begins && (one.made.empty() || reported_there)));
}

bool Model::has_ended(IdKind kind, std::string_view id, std::string_view made, bool begins,
                      std::string_view app) const {
  const EndedObjects& ended = ended_[static_cast<size_t>(kind)];
  const auto at = ended.find(id);
  return at != ended.end() && is_late(at->second, made, begins, app);
}

// A late copy of an event, for another application, does not bring an object back.
bool Model::bring_back(IdKind kind, const Sight& sight, bool begins, const std::string& app) {
  EndedObjects& ended = ended_[static_cast<size_t>(kind)];
  const auto at = ended.find(sight.id);
  if (at == ended.end()) return true;
  if (at->second.lives) doubt_ = true;
  if (is_late(at->second, sight.made(), begins, app)) return false;
  ended.erase(at);
  return true;
}

// The end of an object does not end a newer one with the same id. `made` is its creationtime, or "".
void Model::end(IdKind kind, std::string_view id, std::string_view made, uint64_t seq, bool lives,
                const std::string& app) {
  EndedObjects& ended = ended_[static_cast<size_t>(kind)];
  const Object* const living = find(kind, id);
  if (living != nullptr && compare_made(living->made, made) > 0) return;
  const auto [place, added] = ended.try_emplace(std::string(id));
  const bool same = !added && !place->second.lives && compare_made(place->second.made, made) == 0;
  if (!added && living == nullptr && compare_made(place->second.made, made) > 0) return;
  const auto seen_before = seen_by(kind, id);
  std::vector<std::string> apps(seen_before.begin(), seen_before.end());
  note_app(apps, app);
  std::vector<std::string> ended_in;
  if (same && living == nullptr) ended_in = std::move(place->second.ended_in);
  note_app(ended_in, app);
  place->second = {std::string(made), seq, lives, std::move(apps), std::move(ended_in)};
  if (added) ended_order_.emplace_back(kind, id);
  if (ended_order_.size() > options_.max_ended) {
    const auto& [oldest_kind, oldest] = ended_order_.front();
    ended_[static_cast<size_t>(oldest_kind)].erase(oldest);
    ended_order_.pop_front();
  }
  if (living != nullptr) erase(kind, id, *living);
  if (kind == IdKind::channel || kind == IdKind::bridge) end_what_is_on(kind, id, seq);
}

void Model::end_what_is_on(IdKind kind, std::string_view id, uint64_t seq) {
  const std::string target = std::string(kind == IdKind::channel ? "channel:" : "bridge:") + std::string(id);
  for (auto at = on_.find(target); at != on_.end(); at = on_.find(target)) {
    const auto [of_kind, name] = *at->second.begin();
    end(of_kind, name, std::string(find(of_kind, name)->made), seq, false);  // removes it from the list
  }
}

// Lists the playback or recording under `target` instead of its former target.
void Model::put_on(std::string_view target, IdKind kind, const std::string& id, const Object& object) {
  if (!object.text.empty()) {
    if (target_of(object.text) == target) return;
    take_off(target_of(object.text), kind, id);
  }
  on_[std::string(target)].emplace(kind, id);
}

void Model::take_off(std::string_view target, IdKind kind, const std::string& id) {
  const auto at = on_.find(target);
  at->second.erase({kind, id});
  if (at->second.empty()) on_.erase(at);
}

void Model::erase(IdKind kind, std::string_view id, const Object& object) {
  bytes_ -= id.size() + object.text.size() + object.variable_bytes;
  if (kind == IdKind::playback || kind == IdKind::recording)
    take_off(target_of(object.text), kind, std::string(id));
  if (kind == IdKind::bridge) end_seat(object);
  if (kind == IdKind::channel) {
    calls_.channel_over(id);
    leave_seats(id, object);
    if (object.first_seq <= count_from_) ++counted_ends_;
  }
  objects(kind).erase(id);
}

// Objects whose events Asterisk no longer sends.
void Model::forget(const Record& gone, uint64_t seq) {
  for (size_t i = 0; i < gone.ids.size(); ++i) {
    const auto id = gone.ids[i];
    const Object* object = find(id.kind, id.text);
    if (object != nullptr) end(id.kind, id.text, std::string(object->made), seq, true);
  }
}

void Model::set_variable(Object& channel, std::string_view name, std::string_view value) {
  if (name.empty() || name.front() != '"' || value.empty() || value.front() != '"') return;
  auto& variables = channel.variables;
  const auto drop = [&](auto at) {
    const size_t bytes = at->first.size() + at->second.size();
    channel.variable_bytes -= bytes;
    bytes_ -= bytes;
    objects(IdKind::channel).grow(0 - bytes);
    variables.erase(at);
  };
  const auto at = std::ranges::find(variables, name, &std::pair<std::string, std::string>::first);
  if (at != variables.end()) drop(at);
  const size_t bytes = name.size() + value.size();
  if (bytes > options_.max_variable_bytes) return;
  while (variables.size() >= options_.max_variables ||
         channel.variable_bytes + bytes > options_.max_variable_bytes) {
    drop(variables.begin());
  }
  variables.emplace_back(name, value);
  channel.variable_bytes += bytes;
  bytes_ += bytes;
  objects(IdKind::channel).grow(bytes);
}

void Model::make_room(IdKind kind) {
  if (objects(kind).size() >= options_.max_objects) forget_oldest(kind);
  if (bytes_ <= options_.max_bytes) return;
  for (size_t i = 0; i < record::id_kinds; ++i) forget_oldest(static_cast<IdKind>(i));
}

// Drops an eighth of the objects that it looks at: those unchanged longest. Those are all objects or, of very many,
// the next ones in a circle.
void Model::forget_oldest(IdKind kind) {
  constexpr size_t looked_at = 2048;
  Objects& all = objects(kind);
  if (all.size() == 0) return;
  std::vector<std::pair<uint64_t, std::string_view>> oldest;  // by seq
  const size_t count = std::min(all.size(), looked_at);
  std::string& hand = hands_[static_cast<size_t>(kind)];
  for (auto at = all.from(hand); oldest.size() < count; ++at) {
    if (at == all.end()) at = all.begin();
    const auto [id, object] = *at;
    oldest.emplace_back(object.seq, id);
  }
  hand = oldest.back().second;
  hand += '\0';  // behind it
  const auto limit = oldest.begin() + static_cast<ptrdiff_t>(count / 8);
  std::ranges::nth_element(oldest, limit, {}, &std::pair<uint64_t, std::string_view>::first);
  const uint64_t last = limit->first;
  std::vector<std::string> dropped;
  for (const auto& [seq, id] : oldest) {
    if (seq <= last) dropped.emplace_back(id);
  }
  for (const std::string& id : dropped) {
    ++forgotten_;
    erase(kind, id, *all.find(id));
  }
}

}  // namespace aribus::state
