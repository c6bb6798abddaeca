// What commands wait for on the event stream.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "json/json.h"
#include "net/loop.h"
#include "record/id_index.h"
#include "record/record.h"

namespace aribus::pbx {

// When it is looked whether what is waited for is still there.
struct EventWaitersOptions {
  Milliseconds soon{250};       // after a record with which its events may have ended
  Milliseconds again{500};      // after it was not there: its end may be on its way
  Milliseconds doubtful{2000};  // from look to look, while its end may not be told
  Milliseconds usual{30'000};   // from look to look otherwise
  size_t max_looks = 4;         // under way at a time
};

// Commands of one Asterisk that are answered by an event, each waiting for records about one object. A record
// costs the same however many wait for others. Asterisk tells nobody of some ends, and of others somebody
// else: the objects are looked for as well. Lives on the loop's thread.
class EventWaiters {
 public:
  enum class Look : uint8_t { there, gone, unknown };

  struct Waiter {
    // A record about the object; `fields` are its own. Returns whether the wait is over. May call add() and
    // remove(), as the answer may have further commands begun.
    std::function<bool(const record::Record& record, const JsonValue& fields)> see;
    // Its events come no more, for this reason: what became of it will not be known.
    std::function<void(const std::string& why)> lost;
    // The connection that asked has ended: nobody is there to be answered. Not of a wait without one.
    std::function<void()> abandoned = {};
    uint64_t connection = 0;  // that asked (Caller::connection); 0: it is waited for in any case

    // Looks whether the object is there, and calls `done` once.
    std::function<void(std::function<void(Look)> done)> look = {};
    // It no longer exists, and no record reported its end.
    std::function<void()> unseen = {};
    // The channel or bridge that it is on: with what happens to that, its events may end.
    record::IdKind on_kind = record::IdKind::channel;
    std::string on = {};
    std::string app = {};  // the only application that is told of it; "" when there may be others
  };

  explicit EventWaiters(Loop& loop, EventWaitersOptions options = {})
      : loop_(&loop), options_(options), timer_(loop) {}

  // Waits for records about `id`; ends by itself after one of the callbacks but `look`, and a `see` that
  // returns false.
  uint64_t add(record::IdKind kind, std::string_view id, Waiter wait);
  // From now on the object is there, and is looked for; `doubtful`: nobody may be told of its end.
  void look_for(uint64_t number, bool doubtful);
  // Whether nobody may be told of its end.
  [[nodiscard]] bool is_doubtful(uint64_t number) const { return waiters_.at(number).doubtful; }
  // Waits no more; nothing is called.
  void remove(uint64_t number);
  // Ends the waits of a connection that has ended.
  void abandon(uint64_t connection);
  // Nothing more is heard of `app`: ends the waits that hear nothing else.
  void lose(std::string_view app, const std::string& why);
  // Ends all waits, for this reason.
  void lose_all(const std::string& why);

  // Shows a record to the waits for what it is about.
  void see(const record::Record& record);
  [[nodiscard]] size_t size() const { return waiters_.size(); }

 private:
  struct Entry {
    record::IdKind kind;
    std::string id;
    Waiter wait;
    bool doubtful = false;
    int misses = 0;       // looks in a row that did not find it
    Milliseconds due{0};  // of the next look; 0: none
  };
  void doubt(uint64_t number);
  void schedule(uint64_t number, Entry& entry, Milliseconds in);
  void look_when_due();
  void arm();
  void looked(uint64_t number, Look found);

  Loop* loop_;
  EventWaitersOptions options_;
  std::unordered_map<uint64_t, Entry> waiters_;
  record::IdIndex by_id_;
  std::multimap<uint64_t, uint64_t> by_connection_;
  std::set<std::pair<Milliseconds, uint64_t>> due_;
  size_t looking_ = 0;
  uint64_t next_ = 1;
  Timer timer_;  // until the first of due_
};

}  // namespace aribus::pbx
