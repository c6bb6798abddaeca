// What lives on one Asterisk, as its records tell.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
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

namespace aribus::state {

using record::IdKind;

struct ModelOptions {
  size_t max_objects = 100'000;          // of each kind; of more the longest unchanged are forgotten
  size_t max_bytes = 256 << 20;          // of all together; likewise
  size_t max_ended = 10'000;             // that are remembered to have ended; ids are bounded by max_id_bytes
  size_t max_variables = 256;            // of a channel; of more the longest unchanged are forgotten
  size_t max_variable_bytes = 64 << 10;  // of a channel's variables together; likewise
};

inline constexpr size_t max_told_to = 16;

// A channel, bridge, playback, recording, endpoint or device.
struct Object {
  std::string text;  // as ARI showed it last: an object of JSON, regular
  uint64_t seq = 0;  // of the record that told of it last
  WallTime began;    // when it was made, if ARI says so; otherwise the time of the first record about it
  std::string made;  // its `creationtime`, by which it is told from others of its id; "" when it has none
  size_t made_place = 0;                  // of that in `text`, from its end
  std::vector<std::string> told_to = {};  // the applications whose records told of it, at most max_told_to
  // Of a channel:
  std::string app;  // the Stasis application that it is in, or ""
  std::vector<std::string> ends_due =
      {};  // applications that it was moved from, whose StasisEnd has not come
  std::optional<WallTime> app_since = {};  // Asterisk's time of the StasisStart that told the application
  uint64_t app_seq = 0;                    // of the record that told of that last; 0: none did
  bool offered = false;                    // to all applications, by StasisBroadcast(), and not taken yet
  std::vector<std::pair<std::string, std::string>> variables;  // names and values, both as JSON strings
  size_t variable_bytes = 0;
};

// Whether what an event of that type shows as `member` has ended with it.
[[nodiscard]] bool ends_object(std::string_view type, std::string_view member);

// Whether a playback or recording in that `state` has ended.
[[nodiscard]] bool is_over(IdKind kind, std::string_view state);

// Whether a playback plays a `sound:`. Of other media, as a recording, Asterisk does not report that they
// can't be played (22.10, 16.28).
[[nodiscard]] bool is_sound(std::string_view playback);

// The first object that a record `state.changed` shows; "" when there is none.
[[nodiscard]] std::pair<IdKind, std::string> changed_object(const record::Record& changed);

// Fed with every record of one Asterisk, in their order; those of aribus' own making included. It knows what
// they show, and forgets what they say has ended. An id may be used again: what bears it is told apart by
// `creationtime`, or by an event that tells of a beginning. Lives on the loop's thread.
class Model {
 public:
  using Objects = std::unordered_map<std::string, Object, TextHash, std::equal_to<>>;

  // What an event does to the channel that it shows.
  enum class Also : uint8_t {
    nothing,
    enters_stasis,
    leaves_stasis,
    leaves_bridge,
    sets_variable,
    is_offered,
    is_taken
  };

  // A member of an event that shows something.
  struct Shown {
    std::string_view member;
    IdKind kind;
    bool ends;    // it is the last that is told of it
    bool begins;  // it is new, even if one of that id has ended
    bool past;    // it is shown as it was before, and something newer may have been told
    Also also;
    size_t place = 0;  // among the record's members, the last time
  };

  explicit Model(ModelOptions options = {});

  // `seq` is the record's.
  void apply(const record::Record& record, uint64_t seq);

  [[nodiscard]] const Objects& of(IdKind kind) const { return objects_[static_cast<size_t>(kind)]; }
  // nullptr when there is none.
  [[nodiscard]] const Object* find(IdKind kind, std::string_view id) const;
  // The applications whose records told of it, also when it has ended since; none when it is unknown, or when
  // records of no application told of it.
  [[nodiscard]] std::span<const std::string> told_to(IdKind kind, std::string_view id) const;
  // The record of that seq, or one after it, told of it: that it lives, or that it ended.
  [[nodiscard]] bool touched_since(uint64_t seq, IdKind kind, std::string_view id) const;

  // Seq of the last record that was applied.
  [[nodiscard]] uint64_t latest() const { return latest_; }
  // Whether no record has told of what `text` shows, nor of its end. `before` is latest() from before it was
  // made.
  [[nodiscard]] bool is_news(IdKind kind, std::string_view text, uint64_t before) const;

  // Whether, since the last call, something happened after which Asterisk may tell no more of what is known:
  // a channel left Stasis, or a bridge, or something is played that may not be there.
  [[nodiscard]] bool take_doubt() { return std::exchange(doubt_, false); }

  // Of all ids, texts and variables.
  [[nodiscard]] size_t bytes() const { return bytes_; }
  // How many things were forgotten for want of room.
  [[nodiscard]] uint64_t forgotten() const { return forgotten_; }

 private:
  struct Ended {
    std::string made;       // its `creationtime`, or ""
    size_t made_place = 0;  // of that in the text, from its end
    uint64_t seq = 0;
    bool lives = false;  // it was only not heard of any more
    std::vector<std::string> told_to = {};
    std::vector<std::string> ended_in = {};  // the applications whose records told of the end
  };
  using EndedObjects = std::unordered_map<std::string, Ended, TextHash, std::equal_to<>>;

  Objects& objects(IdKind kind) { return objects_[static_cast<size_t>(kind)]; }
  void tell(Object& channel, Also also, const record::Record& record, uint64_t seq);
  static void enter(Object& channel, const record::Record& record, uint64_t seq);
  static void leave(Object& channel, const record::Record& record, uint64_t seq);
  Object* show(IdKind kind, std::string_view text, const Shown& how, const record::Record& record,
               uint64_t seq);
  void take_changed(const record::Record& changed, uint64_t seq);
  void forget_end(IdKind kind, std::string_view text);
  [[nodiscard]] bool has_ended(IdKind kind, std::string_view id, std::string_view text, bool begins,
                               const std::string& app);
  void end(IdKind kind, std::string_view id, std::string_view text, uint64_t seq, bool lives,
           const std::string& app = {});
  void end_what_is_on(IdKind kind, std::string_view id, uint64_t seq);
  void erase(IdKind kind, Objects::iterator at);
  void put_on(std::string_view target, IdKind kind, const std::string& id, const Object& object);
  void take_off(std::string_view target, IdKind kind, const std::string& id);
  void forget(const record::Record& gone, uint64_t seq);
  void set_variable(Object& channel, std::string_view name, std::string_view value);
  void make_room(IdKind kind);
  void forget_oldest(IdKind kind);

  ModelOptions options_;
  std::array<Objects, record::id_kinds> objects_;
  std::array<EndedObjects, record::id_kinds> ended_;
  std::deque<std::pair<IdKind, std::string>> ended_order_;  // the longest ended first
  // Playbacks and recordings by target. Sorted: thousands may be on one channel.
  std::map<std::string, std::set<std::pair<IdKind, std::string>>, std::less<>> on_;
  std::vector<std::vector<Shown>> shown_;  // by the event, as in ari::models()
  uint64_t latest_ = 0;
  size_t bytes_ = 0;
  uint64_t forgotten_ = 0;
  bool doubt_ = false;
};

}  // namespace aribus::state
