// The parameters of `subscribe`.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ari/schema.h"
#include "base/result.h"
#include "bus/filter.h"
#include "groups/groups.h"
#include "json/json.h"

namespace aribus::session {

// The longest time that a program can set for its group, or give its calls to end.
inline constexpr int64_t longest_group_ms = 24LL * 60 * 60 * 1000;

// What `subscribe` takes.
[[nodiscard]] std::vector<ari::Parameter> subscribe_parameters();

// What to do with a subscriber that the ring has overtaken.
enum class Overflow { lost, disconnect };

// What a program that becomes a member of a group asks for.
struct GroupParams {
  groups::Join join;  // without the connection
  // The settings that are given, of a group that has these otherwise; nothing: none is given.
  std::function<groups::Settings(groups::Settings)> change;
};

struct SubscribeParams {
  bus::FilterOptions wanted;
  std::optional<std::string> since;  // a cursor
  bool from_oldest = false;
  bool snapshot = false;
  bool announce = false;
  Overflow on_overflow = Overflow::lost;
  std::optional<GroupParams> group;
};

// Errors: invalid_params.
[[nodiscard]] Result<SubscribeParams> read_subscribe_params(const JsonValue& params);

// The parameters that decide which records are delivered, as a JSON object: the lists that were given and
// `announce`. Of long lists it has only a part, and in `more` the number of values left out.
[[nodiscard]] std::string filter_text(const bus::FilterOptions& wanted, bool announces);

}  // namespace aribus::session
