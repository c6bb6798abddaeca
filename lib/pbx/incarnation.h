// Distinguishes the object that a command makes from an earlier one with the same id.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/newest.h"
#include "base/time.h"
#include "json/json_tape.h"
#include "pbx/clock.h"
#include "record/record.h"
#include "state/model.h"

namespace aribus::pbx {

// An object that had the id when the command began.
struct Earlier {
  // Of a channel or bridge:
  std::optional<WallTime> made = {};  // its creationtime
  bool lives = true;                  // its end was not seen
  // Of a playback or recording:
  std::string target = {};             // its target_uri, "" if unknown
  bool started = true;                 // the event that it begins with was seen
  std::vector<std::string> over = {};  // applications that have seen its end
};

// Recognises the object that one command makes, under an id that an earlier object may have had.
//
// Channels and bridges have a creationtime: the object with the later one is the new one. Playbacks and
// recordings have none, and two bridges may be created within one millisecond. There the order of events
// decides: the new object is what follows the earlier one's end, or what begins after the earlier one has
// begun. Each application gets its own copy of an event, in its own order, so an end counts only in its
// application. If nothing decides, the record is not taken as one of the new object.
class Incarnation {
 public:
  // `earlier` is the object that is known to have the id, or to have had it last.
  Incarnation(record::IdKind kind, std::string_view id, std::optional<Earlier> earlier = {})
      : kind_(kind), id_(id), earlier_(std::move(earlier)) {
    if (earlier_) over_ = earlier_->over;
  }

  [[nodiscard]] record::IdKind kind() const { return kind_; }
  [[nodiscard]] const std::string& id() const { return id_; }

  // Takes the command's own answer, a JSON text that shows what it made.
  void answered(std::string_view object);
  // Whether the record shows the new object; a record that only names the id does not. Required: called with
  // every record about the id since the command began, in order.
  [[nodiscard]] bool is_of_new(const record::Record& record);

  // Whether a later playback with this id began on the same channel or bridge: then the end of this one was
  // not reported.
  [[nodiscard]] bool was_followed() const { return followed_; }

  // Which object an answer of ARI shows. Required: this is a copy from when the request was sent.
  enum class Shown : uint8_t { new_one, another, either };
  [[nodiscard]] Shown shown_by(std::string_view object) const;

 private:
  struct Sight;
  // Compares what the object itself says: its creationtime or target.
  [[nodiscard]] Shown compare(const Sight& sight) const;
  // Whether it is certainly not the object in the command's answer.
  [[nodiscard]] bool is_another(const Sight& sight) const;
  [[nodiscard]] bool counts(const Sight& sight, const std::string& app);
  [[nodiscard]] bool is_over(const std::string& app) const;

  record::IdKind kind_;
  std::string id_;
  std::optional<Earlier> earlier_;
  // Of the new object, from the command's answer:
  std::optional<WallTime> made_;
  std::string target_;           // of an object without creationtime
  std::set<std::string> media_;  // of a playback: its first media, and what its records announced as next
  bool followed_ = false;
  std::vector<std::string> over_;    // applications that get no more events of the earlier one
  std::vector<std::string> starts_;  // applications in which the earlier one has begun since
};

// What the model of an Asterisk does not know about ids: objects that commands have made and no event has
// shown yet, and objects that have ended or whose events no longer come. The newest 4,096 are kept. Used on
// the loop's thread only.
class Incarnations {
 public:
  explicit Incarnations(Clock clock = {}) : clock_(std::move(clock)) {}

  // A command has made it; `object` is its answer. `told`: an event has shown it before.
  void made(record::IdKind kind, std::string_view id, JsonView object, bool told);
  // Remembers ends. Required: called before `model` applies the record.
  void see(const record::Record& record, const state::Model& model);
  // For a command that is about to make `id`.
  [[nodiscard]] Incarnation next(record::IdKind kind, std::string_view id, const state::Model& model) const;
  [[nodiscard]] size_t size() const { return known_.size(); }

 private:
  struct Known {
    Earlier object;
    std::chrono::steady_clock::time_point since;
  };
  void remember(record::IdKind kind, std::string_view id, Earlier object);
  void see_gone(record::IdKind kind, const record::Record& record, const state::Model& model, bool lives);
  void see_media(record::IdKind kind, const record::Record& record, const state::Model& model);

  Clock clock_;
  Newest<Known> known_{4096};
};

}  // namespace aribus::pbx
