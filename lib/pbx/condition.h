// What is shown of the connection to an Asterisk.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "ari/client.h"
#include "base/time.h"
#include "net/loop.h"

namespace aribus::pbx {

enum class State : uint8_t {
  connecting,  // the first attempt is under way
  syncing,     // connected; the live objects are being read
  ready,       // connected, and they are known
  replaced,    // connected, but another client has taken over an application
  down,        // not connected
  leaving      // it was taken out of the configuration, or aribusd stops
};
inline constexpr std::array<std::string_view, 6> state_names = {"connecting", "syncing", "ready",
                                                                "replaced",   "down",    "leaving"};
[[nodiscard]] constexpr std::string_view state_name(State state) {
  return state_names[static_cast<size_t>(state)];
}

// The state of one Asterisk and the reason for it. The log gets each failure once per outage, however often
// it is repeated. Lives on the loop's thread.
class Condition {
 public:
  // `server`: its name, for the log. `changed` is called, on the same stack, when anything else is shown.
  Condition(std::string server, std::string reason, WallTime since, std::function<void()> changed);

  [[nodiscard]] State state() const { return leaving_ ? State::leaving : state_; }
  [[nodiscard]] bool is_connected() const {
    return state_ == State::syncing || state_ == State::ready || state_ == State::replaced;
  }
  // Why it is not connected, or connected and not ready; "" when there is nothing to say.
  [[nodiscard]] const std::string& reason() const { return reason_; }
  // When the present connection began, or the last one ended.
  [[nodiscard]] WallTime since() const { return since_; }

  // Required: `state` is not leaving.
  void become(State state, std::string reason = {});
  // A connection began or ended at `now`; become() follows.
  void set_since(WallTime now) { since_ = now; }
  // From now on the state is leaving.
  void leave() { leaving_ = true; }

  // A connection was lost or an attempt failed, for `reason`; the next one comes after `retry_in`. Logs it.
  void log_failure(const std::string& reason, Milliseconds retry_in, const ari::ClientOptions& options);
  // The live objects could not be read, for `reason`: shows and logs it.
  void become_unread(const std::string& reason);
  // A connection began, or another one has taken over: what fails from now on is news again.
  void forget_failures() { logged_.clear(); }

 private:
  [[nodiscard]] bool is_news(const std::string& failure);

  std::string server_;
  State state_ = State::connecting;
  std::string reason_;
  WallTime since_;
  std::function<void()> changed_;
  bool leaving_ = false;
  std::set<std::string> logged_;  // failures since the last connection
};

// "250 ms" or "3 s", rounded.
[[nodiscard]] std::string seconds_text(Milliseconds time);

}  // namespace aribus::pbx
