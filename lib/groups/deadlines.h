// What is due next, among many.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <tuple>

#include "base/time.h"

namespace aribus::groups {

// The deadlines of objects that have a `number` of their own and a field `due`, which belongs to this class.
// An object is taken out before it is destroyed.
template <typename Object>
class Deadlines {
 public:
  void set(Object& object, std::optional<WallTime> due) {
    if (object.due == due) return;
    if (object.due) all_.erase({*object.due, object.number, &object});
    object.due = due;
    if (due) all_.insert({*due, object.number, &object});
  }
  // Nothing: there is none.
  [[nodiscard]] std::optional<WallTime> next() const {
    if (all_.empty()) return {};
    return std::get<WallTime>(*all_.begin());
  }
  // Takes out the first one that is due; nullptr: none is.
  [[nodiscard]] Object* pop(WallTime now) {
    if (all_.empty() || std::get<WallTime>(*all_.begin()) > now) return nullptr;
    Object* object = std::get<Object*>(*all_.begin());
    set(*object, {});
    return object;
  }

 private:
  std::set<std::tuple<WallTime, uint64_t, Object*>> all_;
};

}  // namespace aribus::groups
