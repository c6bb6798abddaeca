// Applications that another client has taken over.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "ari/reconnect.h"
#include "net/loop.h"

namespace aribus::ari {

enum class OnReplaced {
  report,   // leave them to the other client, until it goes away
  reclaim,  // take them back: once at once, then at growing intervals
};

struct AppTakeoverOptions {
  OnReplaced policy = OnReplaced::report;
  Milliseconds look_interval{5000};  // between checks whether the other client has disconnected
  // Between attempts to take back an application that the other client takes again.
  ReconnectOptions backoff{Milliseconds(5000), Milliseconds(300'000), Milliseconds(60'000),
                           Milliseconds(300'000)};
};

// Asterisk gives an application to the client that asked for it last; the client before gets no more events
// of it. Two clients that take it back at once would do so forever. This class decides when to ask for it
// again.
class AppTakeover {
 public:
  // Asks Asterisk whether it knows `app`: it does not when the other client has disconnected and no channel
  // is in the application.
  using IsKnown = std::function<void(const std::string& app, std::function<void(bool known)> answer)>;

  // `take_back` reconnects, which takes all applications.
  AppTakeover(Loop& loop, AppTakeoverOptions options, IsKnown is_known, std::function<void()> take_back);

  // Another client has taken `app`. Returns false when that is known.
  bool taken(const std::string& app);
  // No other client holds it, or not any more.
  void held(const std::string& app) { apps_.erase(app); }
  // The event stream is connected, with all applications.
  void connected();
  void disconnected();

  [[nodiscard]] const std::set<std::string>& apps() const { return apps_; }

 private:
  void look();

  Loop& loop_;
  AppTakeoverOptions options_;
  IsKnown is_known_;
  std::function<void()> take_back_;
  std::set<std::string> apps_;
  std::optional<Milliseconds> connected_at_;
  bool contested_ = false;  // they were taken back less than a minute ago
  Reconnect backoff_;
  Timer retry_;
  Timer look_;
  uint64_t connection_ = 0;  // tells the answers of an earlier one from those of the present one
};

}  // namespace aribus::ari
