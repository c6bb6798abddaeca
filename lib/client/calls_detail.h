// What the files of Calls share.
//
//   calls.cpp            serving, and the loop in which coroutines wait
//   calls_commands.cpp   commands: their turns, trying again, what errors mean
//   calls_channels.cpp   what a handler does with its channel: digits, sounds, recordings
//   calls_originate.cpp  channels that the program makes
//   calls_bridges.cpp    bridges
//   calls_events.cpp     what records change
//   calls_catch_up.cpp   what has changed without records, after a loss
//
// GCC 12 destroys temporary closures and aggregates within co_await twice, and always awaits the right side
// of &&: in these files they have names.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "client/call_states.h"
#include "client/calls.h"

namespace aribus::client {

inline constexpr std::chrono::milliseconds pause{200};  // before something is tried again
// The first argument with which channels that a program made enter an application. Other programs that serve
// the application leave such channels alone.
inline constexpr std::string_view leg_mark = "aribus-leg";

template <typename List, typename Value>
bool contains(const List& list, const Value& value) {
  return std::find(std::begin(list), std::end(list), value) != std::end(list);
}

// Counts while it exists.
class Counted {
 public:
  explicit Counted(size_t& count) : count_(count) { ++count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --count_; }

 private:
  size_t& count_;
};

// A JSON object with one member.
[[nodiscard]] std::string one_param(std::string_view name, std::string_view value);
[[nodiscard]] std::vector<std::string> strings_in(const JsonValue& object, std::string_view name);

// What Asterisk answered, from `data` of an error.
struct Refusal {
  explicit Refusal(const Error& error);
  // Whether Asterisk no longer has the channel, or no longer lets ARI control it.
  [[nodiscard]] bool says_gone() const;

  int status = 0;
  std::string message;
  bool is_about_channel = false;
};

[[nodiscard]] Error gone_error(const ChannelState& channel);
[[nodiscard]] Error gone_error(const BridgeState& bridge);
// Whether a command with this error may still have an effect.
[[nodiscard]] bool may_come_later(const Raised& raised);

// A playback or recording whose end a coroutine waits for.
struct Calls::Ending {
  std::string kind, id;
  ChannelPtr channel;
  bool has_begun = false;
  Json result{};  // once it has ended

  [[nodiscard]] bool is_over() const { return result.IsObject(); }
};

}  // namespace aribus::client
