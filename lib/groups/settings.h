// What is set for one group.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aribus::groups {

using std::chrono::milliseconds;

// What the daemon does with a call that nobody takes.
enum class Fallback : uint8_t {
  none,       // it waits on
  continue_,  // in the dialplan
  hangup,
  play,  // `fallback_media`, then hang up
  move,  // to `fallback_app`
};

// What becomes of an accepted call whose member is gone while nobody takes it over.
enum class Orphan : uint8_t {
  keep,      // it waits on
  fallback,  // as Fallback says, after `orphan_after`
};

inline constexpr size_t max_name_bytes = 128;  // of a group, and of a member

struct Settings {
  std::string name;                                        // up to max_name_bytes
  std::vector<std::string> apps;                           // at least one, none is ""; sorted, each once
  milliseconds accept{2000};                               // time to accept an offer
  std::optional<milliseconds> grace = milliseconds(2000);  // for a named member to reconnect; nothing: off
  std::optional<milliseconds> lease;  // a member that is silent for so long loses its calls; nothing: off
  milliseconds fallback_after{5000};  // from StasisStart
  Fallback fallback = Fallback::none;
  std::string fallback_media;  // of `play`
  std::string fallback_app;    // of `move`: not one of `apps`
  bool exclusive = false;      // commands of programs outside the group are refused
  Orphan orphan = Orphan::keep;
  milliseconds orphan_after{30'000};  // since the member was lost

  bool operator==(const Settings&) const = default;
};

// Brings `apps` into the form that they have: sorted, each once.
void sort_apps(Settings& settings);

// What is wrong with them, as a sentence; "" when they can be used.
[[nodiscard]] std::string mistake_in(const Settings& settings);

// The first thing that `wanted` has otherwise than the group, as a sentence; "" when they are the same.
[[nodiscard]] std::string difference(const Settings& group, const Settings& wanted);

// In the order of Fallback, and of Orphan.
inline constexpr std::string_view fallback_names[] = {"none", "continue", "hangup", "play", "move"};
inline constexpr std::string_view orphan_names[] = {"keep", "fallback"};
[[nodiscard]] constexpr std::string_view name_of(Fallback fallback) {
  return fallback_names[static_cast<size_t>(fallback)];
}
[[nodiscard]] constexpr std::string_view name_of(Orphan orphan) {
  return orphan_names[static_cast<size_t>(orphan)];
}

}  // namespace aribus::groups
