// A readable view of the stream: one line for what a person would call an event in the life of a call.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/time.h"
#include "cli/output.h"

namespace aribus::cli {

// Turns records into lines, remembering for each channel who it is and since when.
class CallView {
 public:
  // With `all`, records that say nothing to a person have a line, too: with their type.
  explicit CallView(bool all) : all_(all) {}

  // The line for one record; empty: it has none.
  [[nodiscard]] Text line(const JsonValue& record);

 private:
  struct Call {
    unsigned number = 0;  // 1 for the first channel seen, …
    WallTime began;
    std::string who;
  };

  Call& call_of(const JsonValue& channel, WallTime now);
  static Text what_happened(const JsonValue& record, std::string_view type, const Call& call, WallTime now);

  bool all_;
  unsigned seen_ = 0;
  std::map<std::string, Call, std::less<>> calls_;
};

}  // namespace aribus::cli
