// The parameters of `subscribe`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ari/schema.h"
#include "base/result.h"
#include "bus/filter.h"
#include "json/json.h"

namespace aribus::session {

// What `subscribe` takes.
[[nodiscard]] std::vector<ari::Parameter> subscribe_parameters();

// What to do with a subscriber that the ring has overtaken.
enum class Overflow { lost, disconnect };

struct SubscribeParams {
  bus::FilterOptions wanted;
  std::optional<std::string> since;  // a cursor
  bool from_oldest = false;
  bool snapshot = false;
  bool announce = false;
  Overflow on_overflow = Overflow::lost;
};

// Errors: invalid_params.
[[nodiscard]] Result<SubscribeParams> read_subscribe_params(const JsonValue& params);

// The parameters that decide which records are delivered, as a JSON object: the lists that were given and
// `announce`. Of long lists it has only a part, and in `more` the number of values left out.
[[nodiscard]] std::string filter_text(const bus::FilterOptions& wanted, bool announces);

}  // namespace aribus::session
