#include "pbx/incarnation.h"

#include <algorithm>

#include "ari/schema.h"
#include "json/json_tape.h"

namespace aribus::pbx {
namespace {

using record::IdKind;

// Applications whose order is tracked; further ones prove nothing.
constexpr size_t max_apps = 64;
// How late events of a playback or recording may be, after the command's answer or after another
// application's copy. A playback whose channel ends before it starts gets no event at all.
constexpr std::chrono::seconds longest_delay{10};

std::string_view created_model(IdKind kind) {
  if (kind == IdKind::bridge) return "Bridge";
  if (kind == IdKind::playback) return "Playback";
  return kind == IdKind::recording ? "LiveRecording" : "Channel";
}

bool has_creationtime(IdKind kind) {
  return kind == IdKind::channel || kind == IdKind::bridge;
}

bool starts(std::string_view type) {
  return type == "PlaybackStarted" || type == "RecordingStarted";
}

bool holds(const std::vector<std::string>& apps, std::string_view app) {
  return std::ranges::find(apps, app) != apps.end();
}

void add(std::vector<std::string>& apps, const std::string& app) {
  if (apps.size() < max_apps && !holds(apps, app)) apps.push_back(app);
}

// One tape for all: nothing on it is used after the call.
JsonTape& tape() {
  static thread_local JsonTape tape;
  return tape;
}

std::string key(IdKind kind, std::string_view id) {
  std::string key(1, static_cast<char>('0' + static_cast<int>(kind)));
  return key += id;
}

}  // namespace

// An object as a record or an answer shows it.
struct Incarnation::Sight {
  explicit Sight(const JsonView& object)
      : made(parse_time(object.string_at("creationtime"))),
        target(object.string_at("target_uri")),
        media(object.string_at("media_uri")),
        next_media(object.string_at("next_media_uri")) {}

  std::optional<WallTime> made;
  std::string target;
  std::string media;
  std::string next_media;  // if it plays several media
  bool ends = false;
  bool starts = false;
};

void Incarnation::answered(std::string_view object) {
  const JsonView shown = tape().read(object);
  if (!shown.valid()) return;
  Sight sight(shown);
  if (has_creationtime(kind_)) {
    made_ = sight.made;
  } else {
    target_ = std::move(sight.target);
  }
}

bool Incarnation::is_of_new(const record::Record& record) {
  const ari::ModelType* event = record.declared != nullptr ? record.declared : ari::find_model(record.type);
  if (event == nullptr) return false;
  bool is_new = false;
  for (const ari::Field& field : event->fields) {
    if (field.list || field.model == nullptr || field.model->name != created_model(kind_)) continue;
    const std::string_view text = record.member(field.name);
    if (text.empty() || text.front() != '{') continue;
    const JsonView object = tape().read(text);
    if (object.string_at(kind_ == IdKind::recording ? "name" : "id") != id_) continue;
    Sight sight(object);
    sight.ends = state::ends_object(record.type, field.name);
    sight.starts = starts(record.type);
    if (!counts(sight, record.app)) continue;
    followed_ |= sight.starts && !media_.empty() && !media_.contains(sight.media);
    is_new |= !followed_;
    if (followed_ || kind_ != IdKind::playback) continue;
    if (sight.starts) media_.insert(sight.media);
    if (!sight.next_media.empty()) media_.insert(sight.next_media);
  }
  return is_new;
}

Incarnation::Shown Incarnation::shown_by(std::string_view object) const {
  const JsonView shown = tape().read(object);
  if (!shown.valid()) return Shown::new_one;
  const Sight sight(shown);
  if (is_another(sight)) return Shown::another;
  if (!earlier_ || !earlier_->lives) return Shown::new_one;
  if (!over_.empty() || compare(sight) == Shown::new_one) return Shown::new_one;
  if (!sight.made || !earlier_->made) return Shown::either;
  return sight.made == earlier_->made ? Shown::another : Shown::new_one;  // the clock was set back
}

Incarnation::Shown Incarnation::compare(const Sight& sight) const {
  if (!has_creationtime(kind_)) {
    const bool elsewhere =
        !sight.target.empty() && !earlier_->target.empty() && sight.target != earlier_->target;
    return elsewhere ? Shown::new_one : Shown::either;
  }
  if (!sight.made || !earlier_->made || *sight.made == *earlier_->made) return Shown::either;
  return *sight.made > *earlier_->made ? Shown::new_one : Shown::another;
}

bool Incarnation::is_over(const std::string& app) const {
  return holds(over_, app) || holds(over_, "");
}

bool Incarnation::is_another(const Sight& sight) const {
  if (has_creationtime(kind_)) return made_ && sight.made && *sight.made != *made_;
  return !target_.empty() && !sight.target.empty() && sight.target != target_;
}

bool Incarnation::counts(const Sight& sight, const std::string& app) {
  if (is_another(sight)) {
    const bool is_earlier = earlier_ && sight.made == earlier_->made && sight.target == earlier_->target;
    if (sight.ends && is_earlier) add(over_, app);
    return false;
  }
  if (!earlier_) return true;
  const Shown said = compare(sight);
  if (said == Shown::new_one) return true;
  if (said == Shown::another) return made_ || is_over(app);  // the clock was set back
  const bool says_when = sight.made && earlier_->made;
  if (!earlier_->lives) return !says_when || made_.has_value();
  // Events after a channel's end are more frequent than two channels in one millisecond.
  if (is_over(app)) return kind_ != IdKind::channel || !says_when || made_.has_value();
  if (sight.starts && !earlier_->started && !holds(starts_, app)) {
    add(starts_, app);
    return false;
  }
  if (sight.ends || sight.starts) add(over_, app);
  return sight.starts;
}

void Incarnations::remember(IdKind kind, std::string_view id, Earlier object) {
  known_.put(key(kind, id), {std::move(object), clock_.monotonic()});
}

void Incarnations::made(IdKind kind, std::string_view id, JsonView shown, bool told) {
  if (!has_creationtime(kind)) {
    if (!told) remember(kind, id, {.target = shown.string_at("target_uri"), .started = false});
    return;
  }
  const Known* const known = known_.find(key(kind, id));
  const auto when = parse_time(shown.string_at("creationtime"));
  if (!when || (known != nullptr && known->object.made >= when)) return;  // it has ended already
  remember(kind, id, {.made = when});
}

void Incarnations::see(const record::Record& record, const state::Model& model) {
  const std::string_view type = record.type;
  if (type == "ChannelDestroyed") {
    see_gone(IdKind::channel, record, model, false);
  } else if (type == "BridgeDestroyed") {
    see_gone(IdKind::bridge, record, model, false);
  } else if (type == "state.gone") {
    see_gone(IdKind::channel, record, model, true);
    see_gone(IdKind::bridge, record, model, true);
  } else if (type == "server.disconnected") {
    known_.clear();
  } else if (type.starts_with("Playback")) {
    see_media(IdKind::playback, record, model);
  } else if (type.starts_with("Recording")) {
    see_media(IdKind::recording, record, model);
  }
}

void Incarnations::see_gone(IdKind kind, const record::Record& record, const state::Model& model,
                            bool lives) {
  for (const std::string_view id : record.ids.of(kind)) {
    Known* const known = known_.find(key(kind, id));
    const state::Object* object = model.find(kind, id);
    if (object != nullptr) {
      const bool newer = known != nullptr && known->object.made > object->began;
      if (!newer) remember(kind, id, {.made = object->began, .lives = lives});
    } else if (known != nullptr && known->object.lives && !lives) {
      const std::string_view shown = record.member(kind == IdKind::channel ? "channel" : "bridge");
      const auto made = parse_time(tape().read(shown).string_at("creationtime"));
      known->object.lives = made != known->object.made;
    }
  }
}

// A start is in the model. An end counts by application: others get their copies later.
void Incarnations::see_media(IdKind kind, const record::Record& record, const state::Model& model) {
  for (const std::string_view id : record.ids.of(kind)) {
    Known* const known = known_.find(key(kind, id));
    const state::Object* object = model.find(kind, id);
    if (!state::ends_object(record.type, "")) {
      known_.erase(key(kind, id));
    } else if (object != nullptr) {
      remember(kind, id, {.target = tape().read(object->text).string_at("target_uri"), .over = {record.app}});
    } else if (known != nullptr) {
      known->object.started = true;
      add(known->object.over, record.app);
    }
  }
}

Incarnation Incarnations::next(IdKind kind, std::string_view id, const state::Model& model) const {
  std::optional<Earlier> earlier;
  if (const state::Object* object = model.find(kind, id)) {
    const JsonView shown = tape().read(object->text);
    earlier =
        Earlier{.made = parse_time(shown.string_at("creationtime")), .target = shown.string_at("target_uri")};
  }
  const Known* const known = known_.find(key(kind, id));
  if (known == nullptr) return {kind, id, std::move(earlier)};
  if (has_creationtime(kind)) {
    if (!earlier || earlier->made < known->object.made) earlier = known->object;
  } else if (!earlier && clock_.monotonic() - known->since < longest_delay) {
    earlier = known->object;
  }
  return {kind, id, std::move(earlier)};
}

}  // namespace aribus::pbx
