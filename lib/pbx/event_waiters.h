// Commands that wait for an event.
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

// When to check whether an object still exists.
struct EventWaitersOptions {
  Milliseconds soon{250};       // after a record that may have ended its events
  Milliseconds again{500};      // after a check that did not find it: its end may be on the way
  Milliseconds doubtful{2000};  // between checks while its end may not be reported
  Milliseconds usual{30'000};   // between checks otherwise
  size_t max_looks = 4;         // under way at once
};

// Commands of one Asterisk that are answered by an event; each waits for records about one object. What a
// record costs does not depend on the waiters for other objects. Asterisk does not report every end, or
// reports it to another application, so the objects are also checked with requests (`look`). Used on the
// loop's thread only.
class EventWaiters {
 public:
  enum class Look : uint8_t { there, gone, unknown };

  struct Waiter {
    // A record about the object; `fields` are the record's own members. Returns whether the wait is over. May
    // call add() and remove(), as the answer may start further commands.
    std::function<bool(const record::Record& record, const JsonValue& fields)> see;
    // Its events no longer come, for this reason: its outcome will not be known.
    std::function<void(const std::string& why)> lost;
    // The connection that asked has ended, so nobody can be answered. Unused if `connection` is 0.
    std::function<void()> abandoned = {};
    uint64_t connection = 0;  // of the caller (Caller::connection); 0: does not end with a connection

    // Checks whether the object exists, and calls `done` once.
    std::function<void(std::function<void(Look)> done)> look = {};
    // It no longer exists, and no record reported its end.
    std::function<void()> unseen = {};
    // The channel or bridge that it is on; what happens to that may end its events.
    record::IdKind on_kind = record::IdKind::channel;
    std::string on = {};
    std::string app = {};  // the only application that gets its events; "" if there may be others
  };

  explicit EventWaiters(Loop& loop, EventWaitersOptions options = {})
      : loop_(&loop), options_(options), timer_(loop) {}

  // Adds a waiter for records about `id` and returns its number. It ends when `see` returns true, or with
  // `lost`, `abandoned` or `unseen`.
  uint64_t add(record::IdKind kind, std::string_view id, Waiter wait);
  // The object exists now: starts the checks. `doubtful`: its end may not be reported.
  void look_for(uint64_t number, bool doubtful);
  // Whether its end may not be reported.
  [[nodiscard]] bool is_doubtful(uint64_t number) const { return waiters_.at(number).doubtful; }
  // Removes a waiter; nothing is called.
  void remove(uint64_t number);
  // Ends the waiters of a connection that has ended.
  void abandon(uint64_t connection);
  // No more events of `app` come: ends the waiters that need them, and checks those that may get others.
  void lose(std::string_view app, const std::string& why);
  // Ends all waiters, for this reason.
  void lose_all(const std::string& why);

  // Passes a record to the waiters for the objects that it is about.
  void see(const record::Record& record);
  [[nodiscard]] size_t size() const { return waiters_.size(); }

 private:
  struct Entry {
    record::IdKind kind;
    std::string id;
    Waiter wait;
    bool doubtful = false;
    int misses = 0;       // checks in a row that did not find it
    Milliseconds due{0};  // of the next check; 0: none
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
