// Hang-up causes as Asterisk words them.
#pragma once

#include <optional>
#include <string_view>

namespace aribus::sim {

// The `cause_txt` for `cause`; "Unknown" for one without a text.
[[nodiscard]] std::string_view cause_text(int cause);

// The cause for a `reason` of channels.hangup.
[[nodiscard]] std::optional<int> cause_of_reason(std::string_view reason);

}  // namespace aribus::sim
