// What commands wait for on the event stream.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/json.h"
#include "record/id_index.h"
#include "record/record.h"

namespace aribus::control {

// Commands of one Asterisk that are answered by an event, each waiting for records about one thing. A record
// costs the same however many wait for others.
class Waits {
 public:
  struct Wait {
    // A record about the thing; `fields` are its own. Returns whether the wait is over. May call add() and
    // remove(), as the answer may have further commands begun.
    std::function<bool(const record::Record& record, const JsonValue& fields)> see;
    // The event stream was cut: whether it came will not be known.
    std::function<void()> lost;
    // The connection that asked has ended: nobody is there to be answered. Not of a wait without one.
    std::function<void()> abandoned = {};
    uint64_t connection = 0;  // that asked (Caller::connection); 0: it is waited for in any case
  };

  // Waits for records about `id`; ends by itself after one of the callbacks but a `see` that returns false.
  uint64_t add(record::IdKind kind, std::string_view id, Wait wait);
  // Waits no more; nothing is called.
  void remove(uint64_t number);
  // Ends the waits of a connection that has ended.
  void abandon(uint64_t connection);

  // Shows a record to the waits for what it is about.
  void see(const record::Record& record);
  [[nodiscard]] size_t size() const { return waits_.size(); }

 private:
  struct Entry {
    record::IdKind kind;
    std::string id;
    Wait wait;
  };
  void lose_all();

  std::unordered_map<uint64_t, Entry> waits_;
  record::IdIndex by_id_;
  std::multimap<uint64_t, uint64_t> by_connection_;
  uint64_t next_ = 1;
};

}  // namespace aribus::control
