// What aribusd tells systemd about itself.
#pragma once

#include <memory>
#include <vector>

#include "net/loop.h"
#include "pbx/server.h"

namespace aribus::daemon {

// Notifies systemd when the service is ready (each Asterisk was tried once), of its status, of reloading and
// stopping, and that it is alive (the watchdog). Without systemd it does nothing.
class Systemd {
 public:
  Systemd(Loop& loop, const std::vector<std::unique_ptr<pbx::Server>>& asterisks)
      : asterisks_(asterisks), watchdog_(loop), ready_deadline_(loop) {}

  // The attempts to connect begin: the service is ready after ten seconds, even if they have not ended.
  void start();
  // An Asterisk, or the list of them, has changed.
  void update();
  void reloading();
  void reloaded();
  // aribusd stops, which takes up to `longest`.
  void stopping(Milliseconds longest);

 private:
  void become_ready();
  void tell_status() const;

  const std::vector<std::unique_ptr<pbx::Server>>& asterisks_;
  Timer watchdog_;
  Timer ready_deadline_;
  bool ready_ = false;  // systemd has been told so
};

}  // namespace aribus::daemon
