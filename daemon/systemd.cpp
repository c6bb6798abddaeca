#include "daemon/systemd.h"

#include <algorithm>
#include <string>
#include <utility>

#include "service/notify.h"

namespace aribus::daemon {
namespace {

constexpr Milliseconds ready_timeout{10'000};
constexpr Milliseconds stop_margin{2000};  // for everything besides the commands and the connections

}  // namespace

void Systemd::start() {
  if (const auto interval = service::watchdog_interval())
    watchdog_.every(*interval, [] { service::notify_systemd("WATCHDOG=1"); });
  ready_deadline_.once(ready_timeout, [this] { become_ready(); });
  update();  // where Asterisk connects, there is no attempt to wait for
}

void Systemd::update() {
  if (std::ranges::all_of(asterisks_, [](const auto& asterisk) { return asterisk->was_tried(); })) {
    become_ready();
  }
  tell_status();
}

void Systemd::reloading() {
  service::notify_reloading();
}

void Systemd::reloaded() {
  if (ready_) service::notify_systemd("READY=1");
  tell_status();
}

void Systemd::stopping(Milliseconds longest) {
  service::notify_systemd("STOPPING=1\nEXTEND_TIMEOUT_USEC=" +
                          std::to_string(std::chrono::microseconds(longest + stop_margin).count()));
}

void Systemd::become_ready() {
  if (std::exchange(ready_, true)) return;
  ready_deadline_.stop();
  service::notify_systemd("READY=1");
}

void Systemd::tell_status() const {
  size_t connected = 0;
  std::string missing;
  for (const auto& asterisk : asterisks_) {
    if (asterisk->is_connected()) ++connected;
    const std::string& reason = asterisk->condition().reason();
    if (!reason.empty()) missing += "; " + asterisk->name() + ": " + reason;
  }
  service::notify_status(std::to_string(connected) + " of " + std::to_string(asterisks_.size()) +
                         " Asterisk servers connected" + missing);
}

}  // namespace aribus::daemon
