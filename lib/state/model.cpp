#include "state/model.h"

#include <algorithm>
#include <cstring>
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

template <size_t size>
bool begins_with(std::string_view text, const char (&start)[size]) {
  return text.size() >= size && std::memcmp(text.data(), start, size - 1) == 0;
}

// The id of the object that `text` shows, or "". `buffer` holds an id that has to be decoded.
std::string_view id_of(IdKind kind, std::string_view text, std::string& buffer) {
  const bool named = kind == IdKind::recording || kind == IdKind::device;
  if (named ? begins_with(text, R"({"name":")") : begins_with(text, R"({"id":")")) {
    const std::string_view rest = text.substr(named ? 9 : 7);
    const std::string_view id = rest.substr(0, rest.find('"'));
    if (id.find('\\') == std::string_view::npos) return id;
  }
  if (kind != IdKind::endpoint) return find_string_member(text, named ? "name" : "id", buffer);
  const std::string technology(find_string_member(text, "technology", buffer));
  const std::string resource(find_string_member(text, "resource", buffer));
  return buffer = technology.empty() || resource.empty() ? "" : technology + "/" + resource;
}

void note_app(std::vector<std::string>& apps, const std::string& app) {
  if (app.empty() || apps.size() >= max_apps_seen_by || std::ranges::find(apps, app) != apps.end()) return;
  apps.push_back(app);
}

// The text from behind `name` up to the next quote, or "". The model keeps it, so it must not be longer than
// "channel:" and an id.
std::string_view string_behind(std::string_view text, std::string_view name, size_t rare) {
  const char* const found = find_text(text, name, rare);
  if (found == nullptr) return {};
  const std::string_view rest = text.substr(static_cast<size_t>(found - text.data()) + name.size());
  const std::string_view string = rest.substr(0, rest.find('"'));
  return string.size() > record::max_id_bytes + 16 ? std::string_view() : string;
}

std::string_view made_at(std::string_view text) {
  static constexpr std::string_view name = R"("creationtime":")";
  return string_behind(text, name, name.find("im"));
}

// Whether `made` is in `text` where it was last time, `place` bytes from the end.
bool is_at(std::string_view text, std::string_view made, size_t place) {
  return !made.empty() && place <= text.size() && text.substr(text.size() - place).starts_with(made);
}

// Where `made`, a part of `text`, begins, counted from the end; 0 if it is empty.
size_t place_of(std::string_view made, std::string_view text) {
  return made.empty() ? 0 : static_cast<size_t>(text.data() + text.size() - made.data());
}

// Compares two `creationtime`s: below 0, 0 or above, as compare() does. 0 if one is empty or no time.
int compare_made(std::string_view a, std::string_view b) {
  if (a == b || a.empty() || b.empty()) return 0;
  const auto first = parse_time(a), second = parse_time(b);
  if (!first || !second || *first == *second) return 0;
  return *first < *second ? -1 : 1;
}

// Calls `use(kind, item, object)` for each object in the lists of a `state.changed`.
template <typename Use>
void for_each_changed(const Record& changed, Use use) {
  JsonTape objects;
  const JsonView lists = objects.read(changed.member("objects"));
  if (!lists.valid() || lists.kind() != JsonKind::object) return;
  for (size_t i = 0; i < record::id_kinds; ++i) {
    const auto kind = static_cast<IdKind>(i);
    const JsonView list = lists.find(record::field_name(kind));
    if (!list.valid()) continue;
    for (const auto& item : list.children()) {
      const JsonView json = item.value().find(record::object_name(kind));
      if (json.valid() && json.kind() == JsonKind::object) use(kind, item.value(), json);
    }
  }
}

std::string_view target_of(std::string_view text) {
  static constexpr std::string_view name = R"("target_uri":")";
  return string_behind(text, name, name.find("_u"));
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

Model::Model(ModelOptions options) : options_(options) {
  for (const ari::ModelType& model : ari::models()) shown_.push_back(shown_by(model));
}

void Model::apply(const Record& record, uint64_t seq) {
  latest_ = seq;
  const ari::ModelType* event = record.declared;
  if (event == nullptr) event = ari::find_model(record.type);
  if (event == nullptr) {
    if (record.type == "state.gone") forget(record, seq);
    if (record.type == "state.changed") take_changed(record, seq);
    return;
  }
  for (Shown& shown : shown_[static_cast<size_t>(event - ari::models().data())]) {
    const std::string_view text = record.member(shown.member, shown.place);
    if (text.empty() || text.front() != '{') continue;
    if (shown.ends) {
      std::string buffer;
      const std::string_view id = id_of(shown.kind, text, buffer);
      if (!id.empty() && id.size() <= record::max_id_bytes) end(shown.kind, id, text, seq, false, record.app);
    } else {
      Object* object = show(shown.kind, text, shown, record, seq);
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
    const std::string_view text = json.text();
    if (is_over(kind, json.string_at("state"))) {
      std::string buffer;
      return end(kind, id_of(kind, text, buffer), text, seq, false, changed.app);
    }
    forget_end(kind, text);
    Object* object = show(kind, text, as_it_is, changed, seq);
    if (object == nullptr || kind != IdKind::channel) return;
    object->app = item.string_at("app");
    if (object->app_seq == 0) object->app_seq = seq;
  });
}

const Object* Model::find(IdKind kind, std::string_view id) const {
  const auto at = of(kind).find(id);
  return at == of(kind).end() ? nullptr : &at->second;
}

std::span<const std::string> Model::seen_by(IdKind kind, std::string_view id) const {
  if (const Object* object = find(kind, id)) return object->seen_by;
  const EndedObjects& ended = ended_[static_cast<size_t>(kind)];
  const auto at = ended.find(id);
  return at == ended.end() ? std::span<const std::string>()
                           : std::span<const std::string>(at->second.seen_by);
}

bool Model::touched_since(uint64_t seq, IdKind kind, std::string_view id) const {
  if (const Object* object = find(kind, id)) return object->seq >= seq;
  const EndedObjects& ended = ended_[static_cast<size_t>(kind)];
  const auto at = ended.find(id);
  return at != ended.end() && at->second.seq >= seq;
}

bool Model::is_news(IdKind kind, std::string_view text, uint64_t before) const {
  std::string buffer;
  const std::string_view id = id_of(kind, text, buffer);
  if (id.empty() || id.size() > record::max_id_bytes) return false;
  if (const Object* object = find(kind, id)) return compare_made(object->made, made_at(text)) < 0;
  const EndedObjects& ended = ended_[static_cast<size_t>(kind)];
  const auto at = ended.find(id);
  if (at == ended.end()) return true;
  const std::string_view made = made_at(text);
  return made.empty() ? at->second.seq <= before : compare_made(at->second.made, made) < 0;
}

// Returns nullptr if the object has ended already, has no usable id, or is known in a newer form.
Object* Model::show(IdKind kind, std::string_view text, const Shown& how, const Record& record,
                    uint64_t seq) {
  std::string buffer;
  const std::string_view id = id_of(kind, text, buffer);
  if (id.empty() || id.size() > record::max_id_bytes) return nullptr;
  Objects& all = objects(kind);
  auto at = all.find(id);
  std::optional<std::string_view> made;  // of `text`; searched at most once
  const auto made_here = [&] { return made ? *made : *(made = made_at(text)); };
  if (at != all.end() && !at->second.made.empty() && !is_at(text, at->second.made, at->second.made_place)) {
    const int order = compare_made(at->second.made, made_here());
    if (order > 0) return nullptr;
    if (order < 0 && !how.past) {  // the event of the former one's end did not come
      end(kind, id, std::string(at->second.text), seq, false, record.app);
      at = all.end();
    }
  }
  if (at != all.end() && how.past) {
    note_app(at->second.seen_by, record.app);
    return nullptr;
  }
  if (at == all.end()) {
    if (how.past || has_ended(kind, id, text, how.begins, record.app)) return nullptr;
    make_room(kind);
    at = all.try_emplace(std::string(id)).first;
    at->second.made = made_here();
    at->second.made_place = place_of(made_here(), text);
    at->second.began = parse_time(made_here()).value_or(record.time);
    bytes_ += id.size();
  }
  Object& object = at->second;
  note_app(object.seen_by, record.app);
  if (kind == IdKind::playback || kind == IdKind::recording) put_on(target_of(text), kind, at->first, object);
  if (kind == IdKind::playback && how.begins && !is_sound(text)) doubt_ = true;
  bytes_ += text.size() - object.text.size();
  object.text.assign(text);
  if (!object.made.empty() && !is_at(text, object.made, object.made_place))
    object.made_place = place_of(made_here(), text);
  object.seq = seq;
  return &object;
}

// Asterisk has answered that it exists: what ended was an earlier object with its id.
void Model::forget_end(IdKind kind, std::string_view text) {
  std::string buffer;
  EndedObjects& ended = ended_[static_cast<size_t>(kind)];
  const auto at = ended.find(id_of(kind, text, buffer));
  if (at != ended.end() && compare_made(at->second.made, made_at(text)) <= 0) ended.erase(at);
}

// A late copy of an event, for another application, does not bring an object back.
bool Model::has_ended(IdKind kind, std::string_view id, std::string_view text, bool begins,
                      const std::string& app) {
  EndedObjects& ended = ended_[static_cast<size_t>(kind)];
  const auto at = ended.find(id);
  if (at == ended.end()) return false;
  const Ended& one = at->second;
  if (one.lives) doubt_ = true;
  if (!one.lives) {
    const int order = is_at(text, one.made, one.made_place) ? 0 : compare_made(one.made, made_at(text));
    const bool reported_there = std::ranges::find(one.ended_in, app) != one.ended_in.end();
    if (order > 0 || (order == 0 && !(begins && (one.made.empty() || reported_there)))) return true;
  }
  ended.erase(at);
  return false;
}

// The end of an object does not end a newer one with the same id.
void Model::end(IdKind kind, std::string_view id, std::string_view text, uint64_t seq, bool lives,
                const std::string& app) {
  EndedObjects& ended = ended_[static_cast<size_t>(kind)];
  const std::string_view made = made_at(text);
  const auto living = objects(kind).find(id);
  if (living != objects(kind).end() && compare_made(living->second.made, made) > 0) return;
  const auto [place, added] = ended.try_emplace(std::string(id));
  const bool same = !added && !place->second.lives && compare_made(place->second.made, made) == 0;
  if (!added && living == objects(kind).end() && compare_made(place->second.made, made) > 0) return;
  const auto seen_before = seen_by(kind, id);
  std::vector<std::string> apps(seen_before.begin(), seen_before.end());
  note_app(apps, app);
  std::vector<std::string> ended_in;
  if (same && living == objects(kind).end()) ended_in = std::move(place->second.ended_in);
  note_app(ended_in, app);
  place->second = {std::string(made), place_of(made, text), seq, lives, std::move(apps), std::move(ended_in)};
  if (added) ended_order_.emplace_back(kind, id);
  if (ended_order_.size() > options_.max_ended) {
    const auto& [oldest_kind, oldest] = ended_order_.front();
    ended_[static_cast<size_t>(oldest_kind)].erase(oldest);
    ended_order_.pop_front();
  }
  if (living != objects(kind).end()) erase(kind, living);
  if (kind == IdKind::channel || kind == IdKind::bridge) end_what_is_on(kind, id, seq);
}

void Model::end_what_is_on(IdKind kind, std::string_view id, uint64_t seq) {
  const std::string target = std::string(kind == IdKind::channel ? "channel:" : "bridge:") + std::string(id);
  for (auto at = on_.find(target); at != on_.end(); at = on_.find(target)) {
    const auto [of_kind, name] = *at->second.begin();
    end(of_kind, name, std::string(objects(of_kind).find(name)->second.text), seq,
        false);  // removes it from the list
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

void Model::erase(IdKind kind, Objects::iterator at) {
  bytes_ -= at->first.size() + at->second.text.size() + at->second.variable_bytes;
  if (kind == IdKind::playback || kind == IdKind::recording) {
    take_off(target_of(at->second.text), kind, at->first);
  }
  objects(kind).erase(at);
}

// Objects whose events Asterisk no longer sends.
void Model::forget(const Record& gone, uint64_t seq) {
  for (size_t i = 0; i < gone.ids.size(); ++i) {
    const auto id = gone.ids[i];
    const Object* object = find(id.kind, id.text);
    if (object != nullptr) end(id.kind, id.text, std::string(object->text), seq, true);
  }
}

void Model::set_variable(Object& channel, std::string_view name, std::string_view value) {
  if (name.empty() || name.front() != '"' || value.empty() || value.front() != '"') return;
  auto& variables = channel.variables;
  const auto drop = [&](auto at) {
    const size_t bytes = at->first.size() + at->second.size();
    channel.variable_bytes -= bytes;
    bytes_ -= bytes;
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
}

void Model::make_room(IdKind kind) {
  if (objects(kind).size() >= options_.max_objects) forget_oldest(kind);
  if (bytes_ <= options_.max_bytes) return;
  for (size_t i = 0; i < record::id_kinds; ++i) forget_oldest(static_cast<IdKind>(i));
}

// Drops an eighth of the objects: those unchanged longest.
void Model::forget_oldest(IdKind kind) {
  Objects& all = objects(kind);
  if (all.empty()) return;
  std::vector<uint64_t> seqs;
  seqs.reserve(all.size());
  for (const auto& [id, object] : all) seqs.push_back(object.seq);
  const auto limit = seqs.begin() + static_cast<ptrdiff_t>(seqs.size() / 8);
  std::ranges::nth_element(seqs, limit);
  for (auto at = all.begin(); at != all.end();) {
    const auto next = std::next(at);
    if (at->second.seq <= *limit) {
      ++forgotten_;
      erase(kind, at);
    }
    at = next;
  }
}

}  // namespace aribus::state
