// What aribusd tells systemd about itself.
#pragma once

#include <memory>
#include <vector>

#include "net/loop.h"
#include "pbx/server.h"

namespace aribus::daemon {

// Notifies systemd that the service is ready, once each Asterisk was tried; of its status, of stopping and
// reloading; and that it is alive (the watchdog). Without systemd it does nothing.
class Systemd {
 public:
  Systemd(Loop& loop, const std::vector<std::unique_ptr<pbx::Server>>& asterisks)
      : asterisks_(asterisks), watchdog_(loop), ready_deadline_(loop) {}

  // The attempts to connect begin: the service is ready after ten seconds, whatever becomes of them.
  void start();
  // An Asterisk, or the list of them, has changed.
  void update();
  void reloading();
  void reloaded();
  // aribusd stops, and takes up to `longest` for it.
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
