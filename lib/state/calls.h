// The calls of one Asterisk: trees of channels.
#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/newest.h"
#include "base/sharded_map.h"
#include "base/time.h"
#include "record/record.h"
#include "state/call.h"
#include "state/object_text.h"
#include "state/versioned.h"

namespace aribus::state {

class Model;

using FrozenCalls = FrozenMap<Call>;

struct CallsOptions {
  size_t max_channels = 200'000;  // known ones, live or not; beyond it no channel becomes part of a call
  size_t max_ended = 10'000;      // ended channels whose call is remembered, for late copies of their events
};

// A call that channels belong to. It is known as long as they are, also when it has ended.
struct KnownCall {
  std::string id;
  uint64_t hash = 0;                         // hash_of(id)
  VersionedMap<Call>::Slot* slot = nullptr;  // of the call that has not ended

  [[nodiscard]] HashedText hashed_id() const { return {id, hash}; }
};

// Records to be published, in order. Their memory is used again for later ones.
class Outgoing {
 public:
  // One more, to be overwritten.
  [[nodiscard]] record::Record& add();
  [[nodiscard]] bool empty() const { return count_ == 0; }
  // Valid until the next add().
  [[nodiscard]] std::span<record::Record> take() { return std::span(records_).first(std::exchange(count_, 0)); }

 private:
  std::vector<record::Record> records_;
  size_t count_ = 0;
};

// Finds out from the records of one Asterisk which channels belong together, and what became of their calls.
// docs/calls.md has the rules. Part of a Model, which says when a channel ends: Asterisk sends each
// application a copy of its own of an event, and only the Model knows which of them is late.
//
// Each record comes to link() before the Model applies it. What has to be published just before it is then in
// take_before(), and when the Model has applied it, take_after() has what is to be published just after it.
//
// A channel belongs to at most one call, and once it does, that never changes, unless the whole call has left
// (`how: "left"`) and the channel enters an application again.
class Calls {
 public:
  // Since the start of the process.
  struct Counts {
    uint64_t started = 0;
    uint64_t ended[2][2] = {};  // by `how` (0: ended, 1: left), and whether all of it was seen
  };

  explicit Calls(std::shared_ptr<Versions> versions, CallsOptions options = {});

  // A command is about to create the channel `id`: its first record begins a call, or adds it to the live
  // call `call`, if that is not "".
  void expect(std::string_view id, std::string_view call) { expected_.put(id, std::string(call)); }
  // The command has failed.
  void expect_no_more(std::string_view id) { expected_.erase(id); }

  // Finds the calls of the record's channels, and adds their ids to those of the record; a `server.resynced`,
  // which names all live objects, names no calls. `model`: before the record.
  void link(record::Record& record, uint64_t seq, const Model& model);
  // Likewise for a record of an earlier process, which names its calls itself: no others begin, and none end.
  void recall(const record::Record& record, uint64_t seq, const Model& model);
  // That was the last one. `model`: after all of them.
  void recalled(std::string_view server, WallTime now, const Model& model);

  // The Model says that it does not know the channel any more, or that it knows it again.
  void channel_over(const HashedText& id);
  void channel_shown(const HashedText& id);

  [[nodiscard]] bool has_before() const { return !before_.empty(); }
  [[nodiscard]] bool has_after() const { return !after_.empty(); }
  // Valid until the next record comes.
  [[nodiscard]] std::span<record::Record> take_before() { return before_.take(); }
  [[nodiscard]] std::span<record::Record> take_after() { return after_.take(); }

  // The id of the call, live or ended, that the channel belongs to; "" if it belongs to none.
  [[nodiscard]] std::string_view call_of(std::string_view channel) const;
  // Whether the channel's hangup was requested: its end follows.
  [[nodiscard]] bool is_hung_up(std::string_view channel) const;
  // nullptr when no live call has this id.
  [[nodiscard]] const Call* find(std::string_view id) const { return calls_.find(id); }
  [[nodiscard]] size_t size() const { return calls_.size(); }
  [[nodiscard]] const Counts& counts() const { return counts_; }
  // Calls that began with this record or earlier ones are not complete.
  [[nodiscard]] uint64_t gap_seq() const { return gap_seq_; }
  // See VersionedMap.
  [[nodiscard]] FrozenCalls freeze(uint64_t version) { return calls_.freeze(version); }
  // Number of channels that it knows, in calls or not, live or not.
  [[nodiscard]] size_t channels() const { return channels_.size(); }

 private:
  enum class Way : uint8_t { first, local, dial, forward, transfer, create };  // ways_to_join
  struct Below {
    std::string channel;
    Way way;
  };
  struct Channel {
    std::string made;                 // its `creationtime`; "": not known yet
    std::shared_ptr<KnownCall> call;  // nullptr: none
    std::string half_of;              // "Local/200@sales-00000001": it is one of the two halves of that
    std::vector<Below> below;         // what joins a call with it
    std::optional<WallTime> up;       // when it was answered
    std::optional<WallTime> left;     // when it left its application
    bool hung_up = false;             // its hangup was requested: when it leaves, it ends
    uint64_t first_seq = 0;
    bool over = false;       // the Model knows it no more
    bool destroyed = false;  // and Asterisk has reported its end
  };
  using Channels = ShardedMap<Channel>;
  using Known = Channels::Entry;

  void see(const record::Record& record);
  void see_channel(const record::Record& record, const Sight& shown, uint8_t role);
  void enter(const record::Record& record, const Sight& sight);
  void dial(const record::Record& record);
  void transfer_blind(const record::Record& record);
  void transfer_attended(const record::Record& record);
  void take_changed(const record::Record& changed);
  void destroy(Known& channel, const record::Record& record, const Sight& sight);
  void take_recording(std::string_view text, bool begins);
  void take_own(const record::Record& record);
  [[nodiscard]] Known* channel(const Sight& sight, const record::Record& record, bool begins = false);
  [[nodiscard]] Known* find_channel(const Sight& sight);
  [[nodiscard]] bool is_full() const { return channels_.size() >= options_.max_channels; }
  void add_calls(record::Record& record);
  void meet_unknown(const HashedText& id, const record::Record& record);
  void begin(Known& channel, std::string_view text, const record::Record& record, bool outbound, bool complete);
  void link_below(Known* above, Known* below, Way way);
  void join(Known& channel, std::shared_ptr<KnownCall> known, Way way);
  record::CallLeg& add_leg(Call& call, const Known& channel, Way way, WallTime began);
  void answer(Known& channel, WallTime time);
  void set_cause(const Known& channel, const record::Record& record);
  void add_transfer(const record::CallTransfer& transfer, std::initializer_list<const Known*> of);
  [[nodiscard]] std::shared_ptr<KnownCall> new_call(const std::string& channel, WallTime began) const;
  [[nodiscard]] std::shared_ptr<KnownCall> recalled_call(const std::string& id);
  [[nodiscard]] static bool is_live(const std::shared_ptr<KnownCall>& known) {
    return known != nullptr && known->slot != nullptr;
  }
  [[nodiscard]] Call* change(const std::shared_ptr<KnownCall>& known);
  Call& add_call(const std::shared_ptr<KnownCall>& known);
  void erase(KnownCall& known);
  void finish(std::shared_ptr<KnownCall> known);
  void remember(const std::string& channel);

  CallsOptions options_;
  VersionedMap<Call> calls_;
  Counts counts_;
  Channels channels_;
  ShardedMap<std::vector<std::string>> halves_;  // of Local channels
  std::deque<std::string>
      ended_;  // ids of channels that are over, of calls that have ended; the oldest first
  Newest<std::string> expected_{4096};  // calls, or "", by the ids of channels
  struct Role {
    uint8_t role;          // of the events of a type
    size_t place = 0;      // of `channel` among the members of the last one
  };
  std::vector<Role> roles_;  // in the order of ari::models()
  Outgoing before_;
  Outgoing after_;
  std::vector<std::string>
      unseen_;  // channels that an earlier process's records named, and none of them showed
  uint64_t gap_seq_ = 0;
  std::string server_;  // once there is a call
  // Of the record at hand:
  const Model* model_ = nullptr;
  WallTime now_;
  uint64_t seq_ = 0;
  bool recalls_ = false;  // from the first recall() until recalled()
  std::string recalled_;  // the only call that it names
};

}  // namespace aribus::state
