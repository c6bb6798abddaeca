// The live objects of one Asterisk, rebuilt from its records.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/time.h"
#include "record/record.h"
#include "state/calls.h"
#include "state/object_text.h"
#include "state/objects.h"

namespace aribus::state {

using record::IdKind;

struct ModelOptions {
  size_t max_objects = 100'000;          // of each kind; beyond it those unchanged longest are forgotten
  size_t max_bytes = 256 << 20;          // of all together; likewise
  size_t max_ended = 10'000;             // ended objects to remember; ids are bounded by max_id_bytes
  size_t max_variables = 256;            // of a channel; beyond it those unchanged longest are forgotten
  size_t max_variable_bytes = 64 << 10;  // of a channel's variables together; likewise
};

// Applications to remember for one object.
inline constexpr size_t max_apps_seen_by = 16;

// Whether the object that an event of this type shows as `member` has ended.
[[nodiscard]] bool ends_object(std::string_view type, std::string_view member);

// Whether a playback or recording with this `state` has ended.
[[nodiscard]] bool is_over(IdKind kind, std::string_view state);

// Whether a playback plays a `sound:`. When Asterisk cannot play other media, such as a recording, it sends
// no event (22.10, 16.28).
[[nodiscard]] bool is_sound(std::string_view playback);

// All live objects and calls as they were, in a version of the Model. It never changes.
class Frozen {
 public:
  Frozen(std::array<FrozenObjects, record::id_kinds> objects, FrozenCalls calls, uint64_t gap_seq,
         uint64_t number, std::shared_ptr<Versions> versions);
  ~Frozen();
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;

  [[nodiscard]] const FrozenObjects& of(IdKind kind) const { return objects_[static_cast<size_t>(kind)]; }
  // nullptr when there is none.
  [[nodiscard]] const Object* find(IdKind kind, std::string_view id) const { return of(kind).find(id); }
  [[nodiscard]] const FrozenCalls& calls() const { return calls_; }
  [[nodiscard]] uint64_t gap_seq() const { return gap_seq_; }  // see Calls
  // Of the version; later ones have larger numbers.
  [[nodiscard]] uint64_t number() const { return number_; }
  // Bytes that are in memory for this version alone, or for it and earlier ones.
  [[nodiscard]] size_t kept_bytes() const;

 private:
  std::array<FrozenObjects, record::id_kinds> objects_;
  FrozenCalls calls_;
  uint64_t gap_seq_;
  uint64_t number_;
  std::shared_ptr<Versions> versions_;
};

// The first object in a `state.changed`; its id is "" if there is none.
[[nodiscard]] std::pair<IdKind, std::string> changed_object(const record::Record& changed);

// Receives every record of one Asterisk in order, aribus' own included, and keeps the objects that they show
// until a record says that they have ended. Used on the loop's thread only.
//
// Order of events. Asterisk keeps the order of events within one application, but sends each application its
// own copy, and copies for several applications may come in any order. So:
// - An object that has ended is remembered (`Ended`): a late copy of one of its events does not bring it
//   back.
// - An id may be used again. The object with the later `creationtime` is the current one; the end of an older
//   one ends nothing. If the times are equal (they are in milliseconds), the event that an object begins with
//   is about a new one if the same application has reported the end; without a `creationtime` it always is.
// - A channel that moves between applications gets a StasisEnd in one and a StasisStart in the other, in
//   either order. A StasisStart that is older, by Asterisk's time, than the one that set `app` is ignored; a
//   StasisEnd of an application that the channel was moved from (`ends_due`) does not clear `app`.
// - Some events show objects as they were before (`Shown::past`). They only prove that the object existed.
class Model {
 public:
  // What an event does to the channel that it shows, apart from showing it.
  enum class Also : uint8_t {
    nothing,
    enters_stasis,
    leaves_stasis,
    leaves_bridge,
    sets_variable,
    is_offered,
    is_taken
  };

  // A member of an event that shows an object.
  struct Shown {
    std::string_view member;
    IdKind kind;
    bool ends;    // it is the object's last event
    bool begins;  // it is the object's first event, even if another one with this id has ended
    bool past;    // it shows the object as it was; newer events may already have come
    Also also;
    size_t place = 0;  // its place among the record's members in the last event
  };

  explicit Model(ModelOptions options = {});
  // Large versions that nobody holds any more are given to `discard`, which may destroy them on another thread.
  void on_discard(std::function<void(std::shared_ptr<void>)> discard) { versions_->discard = std::move(discard); }

  // Applies a record whose number is `seq`.
  void apply(const record::Record& record, uint64_t seq);

  [[nodiscard]] const Objects& of(IdKind kind) const { return objects_[static_cast<size_t>(kind)]; }
  // nullptr when there is none.
  [[nodiscard]] const Object* find(IdKind kind, const HashedText& id) const;
  // The calls of its channels.
  [[nodiscard]] Calls& calls() { return calls_; }
  [[nodiscard]] const Calls& calls() const { return calls_; }
  // Whether the object with this `creationtime` has ended: a late copy of an event shows it. `begins`: the
  // event is one that an object begins with. `app`: the application of the event.
  [[nodiscard]] bool has_ended(IdKind kind, std::string_view id, std::string_view made, bool begins,
                               std::string_view app) const;
  // The applications whose records showed the object, also after it ended. Empty if it is unknown or only
  // records without an application showed it.
  [[nodiscard]] std::span<const std::string> seen_by(IdKind kind, std::string_view id) const;
  // Seq of the last record that reported the object, as live or as ended; nothing if it is unknown.
  [[nodiscard]] std::optional<uint64_t> touched(IdKind kind, std::string_view id) const;
  // The objects as they are, shared: it takes next to no time, and the memory of what changes while somebody
  // holds it.
  [[nodiscard]] std::shared_ptr<const Frozen> freeze();
  // Counts the channels that end from here on; returns how many there are.
  size_t count_ends();
  // Number of the channels of then that have ended since.
  [[nodiscard]] size_t counted_ends() const { return counted_ends_; }
  // Whether the record `seq` or a later one reported the object, as live or as ended.
  [[nodiscard]] bool touched_since(uint64_t seq, IdKind kind, std::string_view id) const {
    const std::optional<uint64_t> last = touched(kind, id);
    return last && *last >= seq;
  }

  // Seq of the last record that was applied.
  [[nodiscard]] uint64_t latest() const { return latest_; }
  // Whether `text` shows an object that no record has reported yet, neither as live nor as ended. `before` is
  // what latest() was before the object was made.
  [[nodiscard]] bool is_news(IdKind kind, std::string_view text, uint64_t before) const;

  // Whether something happened since the last call after which Asterisk may send no more events of known
  // objects: a channel left Stasis or a bridge, or was claimed after StasisBroadcast(); a playback began that
  // may fail without an event; or an object that was in a `state.gone` was shown again.
  [[nodiscard]] bool has_doubt() const { return doubt_; }
  [[nodiscard]] bool take_doubt() { return std::exchange(doubt_, false); }

  // Bytes of all ids, texts and variables.
  [[nodiscard]] size_t bytes() const { return bytes_; }
  // Number of objects dropped because a bound was reached.
  [[nodiscard]] uint64_t forgotten() const { return forgotten_; }

 private:
  struct Ended {
    std::string made;  // its `creationtime`, or ""
    uint64_t seq = 0;
    bool lives = false;  // it still exists, but no application receives its events (`state.gone`)
    std::vector<std::string> seen_by = {};
    std::vector<std::string> ended_in = {};  // applications whose records reported the end
  };
  using EndedObjects = std::unordered_map<std::string, Ended, TextHash, std::equal_to<>>;

  Objects& objects(IdKind kind) { return objects_[static_cast<size_t>(kind)]; }
  void tell(Object& channel, Also also, const record::Record& record, uint64_t seq);
  static void enter(Object& channel, const record::Record& record, uint64_t seq);
  static void leave(Object& channel, const record::Record& record, uint64_t seq);
  Object* show(IdKind kind, const Sight& sight, const Shown& how, const record::Record& record, uint64_t seq);
  void take_changed(const record::Record& changed, uint64_t seq);
  void forget_end(IdKind kind, const Sight& sight);
  [[nodiscard]] static bool is_late(const Ended& one, std::string_view made, bool begins,
                                    std::string_view app);
  [[nodiscard]] bool bring_back(IdKind kind, const Sight& sight, bool begins, const std::string& app);
  void end(IdKind kind, std::string_view id, std::string_view made, uint64_t seq, bool lives,
           const std::string& app = {});
  void end_what_is_on(IdKind kind, std::string_view id, uint64_t seq);
  void erase(IdKind kind, std::string_view id, const Object& object);
  void take_seats(const std::string& channel, Object& object);
  void leave_seats(std::string_view channel, const Object& object);
  void list_channels(const std::string& id, Object& bridge);
  void end_seat(const Object& bridge);
  void take_seat(const std::string& channel, const std::shared_ptr<Seat>& seat);
  void leave_seat(const std::string& channel, const std::shared_ptr<Seat>& seat);
  void put_on(std::string_view target, IdKind kind, const std::string& id, const Object& object);
  void take_off(std::string_view target, IdKind kind, const std::string& id);
  void forget(const record::Record& gone, uint64_t seq);
  void set_variable(Object& channel, std::string_view name, std::string_view value);
  void make_room(IdKind kind);
  void forget_oldest(IdKind kind);

  ModelOptions options_;
  std::shared_ptr<Versions> versions_ = std::make_shared<Versions>();
  std::vector<Objects> objects_;  // by kind
  Calls calls_;
  std::array<EndedObjects, record::id_kinds> ended_;
  std::deque<std::pair<IdKind, std::string>> ended_order_;  // oldest end first
  // Playbacks and recordings by target URI. Sorted: thousands may be on one channel.
  std::map<std::string, std::set<std::pair<IdKind, std::string>>, std::less<>> on_;
  // The seats of channels that bridges list and nothing has shown.
  std::unordered_map<std::string, std::vector<std::shared_ptr<const Seat>>, TextHash, std::equal_to<>> unknown_;
  std::array<std::string, record::id_kinds> hands_;  // where forget_oldest() goes on
  std::vector<std::vector<Shown>> shown_;  // by event, in the order of ari::models()
  uint64_t latest_ = 0;
  uint64_t version_ = 1;
  uint64_t applied_ = 0;                // number of records
  std::weak_ptr<const Frozen> frozen_;  // the last version
  uint64_t frozen_at_ = 0;              // applied_ at that time
  uint64_t count_from_ = 0;             // latest_ when count_ends() was called
  size_t counted_ends_ = 0;
  size_t bytes_ = 0;
  uint64_t forgotten_ = 0;
  bool doubt_ = false;
};

}  // namespace aribus::state
