// Tells what a command makes from an earlier object of the same id.
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
  std::string target = {};             // its target_uri, "" where it is not known
  bool started = true;                 // the event was seen that it begins with
  std::vector<std::string> over = {};  // the applications that were told of its end
};

// The object that a command is about to make under an id. Channels and bridges are told apart by their
// creationtime. Playbacks and recordings have none, and two bridges may be made in one millisecond: there a
// new one is what follows the end of the earlier, or begins anew. Every application gets its own copy of an
// event, in its own order, so that an end counts in its application.
class Incarnation {
 public:
  // `earlier` is what is known to have the id, or to have had it last.
  Incarnation(record::IdKind kind, std::string_view id, std::optional<Earlier> earlier = {})
      : kind_(kind), id_(id), earlier_(std::move(earlier)) {
    if (earlier_) over_ = earlier_->over;
  }

  [[nodiscard]] record::IdKind kind() const { return kind_; }
  [[nodiscard]] const std::string& id() const { return id_; }

  // The command's own answer shows what it made: a JSON text.
  void answered(std::string_view object);
  // Whether the record shows the new object. A record that only names the id proves nothing. Required: it is
  // called with every record about the id that comes after the command began, in their order.
  [[nodiscard]] bool is_of_new(const record::Record& record);

  // Whether a later playback of the id began on the same channel or bridge: the end of this one was not told.
  [[nodiscard]] bool was_followed() const { return followed_; }

  // What an answer of ARI shows that was asked for no earlier than now.
  enum class Shown : uint8_t { new_one, another, either };
  [[nodiscard]] Shown shown_by(std::string_view object) const;

 private:
  struct Sight;
  // What the object itself says; nothing else need be known of it.
  [[nodiscard]] Shown compare(const Sight& sight) const;
  // Whether it is certainly not what the command has made, as its answer showed that.
  [[nodiscard]] bool is_another(const Sight& sight) const;
  [[nodiscard]] bool counts(const Sight& sight, const std::string& app);
  [[nodiscard]] bool is_over(const std::string& app) const;

  record::IdKind kind_;
  std::string id_;
  std::optional<Earlier> earlier_;
  // Of the new one, as the command's answer says:
  std::optional<WallTime> made_;
  std::string target_;           // where it has no creationtime
  std::set<std::string> media_;  // of a playback: what it began with, and what its records said comes next
  bool followed_ = false;
  std::vector<std::string> over_;    // applications in which nothing more comes of the earlier one
  std::vector<std::string> starts_;  // those in which it started since
};

// What the model of an Asterisk does not know of the objects that have an id: what was made and of which no
// event came yet, and what has ended, or is not heard of any more. The newest 4,096 are remembered.
class Incarnations {
 public:
  explicit Incarnations(Clock clock = {}) : clock_(std::move(clock)) {}

  // A command has made it; `object` is its answer. `told`: events have told of it before.
  void made(record::IdKind kind, std::string_view id, std::string_view object, bool told);
  // Takes note of ends. Required: `model` does not know of the record yet.
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
