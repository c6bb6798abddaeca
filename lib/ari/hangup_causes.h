// Hang-up causes: ITU-T Q.850's numbers, Asterisk's texts for them, and ARI's short names.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace aribus::ari {

struct Cause {
  int code;                 // Q.850
  std::string_view name;    // in snake_case, as "normal_clearing"
  std::string_view text;    // what Asterisk writes in `cause_txt`
  std::string_view reason;  // the `reason` of channels.hangup that gives this code, or ""
};

// Sorted by code.
[[nodiscard]] std::span<const Cause> causes();

// By code, by name or by ARI's reason; nullptr when there is none.
[[nodiscard]] const Cause* find_cause(int code);
[[nodiscard]] const Cause* find_cause(std::string_view name_or_reason);

// What Asterisk writes in `cause_txt` for `code`; "Unknown" for one that is no cause.
[[nodiscard]] std::string_view cause_text(int64_t code);

}  // namespace aribus::ari
