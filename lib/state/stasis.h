// Finds out which Stasis application a channel is in, from Asterisk's answers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "state/fetched.h"
#include "state/model.h"

namespace aribus::state {

// The dialplan application that a channel ran last, as ARI shows it. A channel that was moved to another
// application, or claimed after StasisBroadcast(), still shows the one that it came with (seen on 22.10
// and 16.28).
struct DialplanPlace {
  std::string app_name;  // "Stasis", "Dial", …
  std::string app_data;

  [[nodiscard]] static DialplanPlace of(std::string_view channel);
  // The application that the dialplan's Stasis() named, or "".
  [[nodiscard]] std::string stasis_app() const;
  bool operator==(const DialplanPlace&) const = default;
};

// The arguments of a dialplan application, split as Asterisk does it (AST_STANDARD_APP_ARGS, main/app.c): a
// comma within "", () or [] does not separate, quotes and backslashes are removed, blanks stay.
[[nodiscard]] std::vector<std::string> dialplan_args(std::string_view app_data);

// The application among `ours` that channel `id`, shown as `text`, is in; "" if it is in none of them or this
// cannot be determined. ARI does not show it, so it is derived from:
// - what the last event said (`before`, or nullptr), if nothing has changed since;
// - the subscriptions: the application that has the channel, the one that originated it and those that asked
//   for it are subscribed;
// - what the dialplan started, which no longer holds after a move.
[[nodiscard]] std::string app_of_channel(const FetchedState& fetched, const std::vector<std::string>& ours,
                                         std::string_view id, std::string_view text, const Object* before);

}  // namespace aribus::state
