// What commands wait for on the event stream.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/json.h"
#include "record/record.h"

namespace aribus::control {

// Commands of one Asterisk that are answered by an event, each waiting for records about one thing.
class Waits {
 public:
  struct Wait {
    // A record about the thing; `fields` are its own. Returns whether the wait is over. May not call add().
    std::function<bool(const record::Record& record, const JsonValue& fields)> see;
    // The event stream was cut: whether it came will not be known.
    std::function<void()> lost;
  };

  // Waits for records about `id`; ends by itself after `see` returned true or `lost` was called.
  uint64_t add(record::IdKind kind, std::string_view id, Wait wait);
  // Waits no more; nothing is called.
  void remove(uint64_t number) { waits_.erase(number); }

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

  std::unordered_map<uint64_t, Entry> waits_;  // few: a record is compared with each
  uint64_t next_ = 1;
};

}  // namespace aribus::control
