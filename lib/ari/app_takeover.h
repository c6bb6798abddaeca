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
  Milliseconds look_interval{5000};  // from one question whether the other client is gone to the next
  // Between attempts to take back what the other client takes again.
  ReconnectOptions backoff{Milliseconds(5000), Milliseconds(300'000), Milliseconds(60'000),
                           Milliseconds(300'000)};
};

// Asterisk gives an application to whoever asked for it last, and the one before hears nothing of it any
// more: two that take it back at once would do so for ever. Decides when to ask for it again.
class AppTakeover {
 public:
  // Asks Asterisk whether it knows `app`: when the other client goes away and no channel is in it, it does
  // not.
  using IsKnown = std::function<void(const std::string& app, std::function<void(bool known)> answer)>;

  // `take_back` connects anew, for all applications.
  AppTakeover(Loop& loop, AppTakeoverOptions options, IsKnown is_known, std::function<void()> take_back);

  // Another client has taken `app`. False: that is known.
  bool taken(const std::string& app);
  // It has not, or has given it back.
  void held(const std::string& app) { apps_.erase(app); }
  // The event stream stands, for all applications.
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
  bool contested_ = false;  // they were taken back, and not held for a minute
  Reconnect backoff_;
  Timer retry_;
  Timer look_;
  uint64_t connection_ = 0;  // tells the answers of an earlier one from those of the present one
};

}  // namespace aribus::ari
