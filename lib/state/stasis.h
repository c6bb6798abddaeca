// Which Stasis application a channel is in, as far as Asterisk's answers tell it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "state/fetched.h"
#include "state/model.h"

namespace aribus::state {

// Of a channel, as ARI shows it: what the dialplan has run last. A channel that is moved to another
// application, or claimed after StasisBroadcast(), goes on showing what it came with (seen on 22.10
// and 16.28).
struct DialplanPlace {
  std::string app_name;  // "Stasis", "Dial", …
  std::string app_data;

  [[nodiscard]] static DialplanPlace of(std::string_view channel);
  // Of the dialplan's Stasis(): the application that it named, or "".
  [[nodiscard]] std::string stasis_app() const;
  bool operator==(const DialplanPlace&) const = default;
};

// The arguments of a dialplan application, cut as Asterisk does it: a comma within "", () or [] does not
// separate, quotes and backslashes go, blanks stay (AST_STANDARD_APP_ARGS, main/app.c).
[[nodiscard]] std::vector<std::string> dialplan_args(std::string_view app_data);

// The application among `ours` that the channel `id` is in, shown as `text`, or "": it is in none of them, or
// that can't be told. Asterisk does not show it. What is known is:
// - what the last event told (`before`, or nullptr), if nothing has changed since;
// - who hears of it: whoever has it, who originated it, and who asked for it;
// - what the dialplan started, which is no longer true after a move.
[[nodiscard]] std::string app_of_channel(const FetchedState& fetched, const std::vector<std::string>& ours,
                                         std::string_view id, std::string_view text, const Object* before);

}  // namespace aribus::state
