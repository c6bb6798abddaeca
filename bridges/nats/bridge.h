// aribus-nats: its threads and their shutdown.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "base/result.h"
#include "base/time.h"
#include "nats/config.h"
#include "nats/publisher.h"
#include "nats/service.h"
#include "nats/state_file.h"
#include "net/loop.h"
#include "service/http_listener.h"

namespace aribus::nats {

// Runs the publisher in a thread of its own, the service in several, and signals, monitoring and systemd on
// the event loop of the calling thread.
class Bridge {
 public:
  // Opens the state file. Errors: system; malformed.
  [[nodiscard]] static Result<std::unique_ptr<Bridge>> make(Config config);
  ~Bridge();
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;

  // Runs until SIGTERM or SIGINT, and until pending records are stored. False: not all threads ended in time,
  // because a name server or NATS did not answer; the process must exit without their destructors.
  // Errors: it can't listen for monitoring; the publisher's, when that gives up.
  [[nodiscard]] Result<bool> run();

 private:
  Bridge(Config config, StateFile state);

  void publish();
  void stop();
  void look();
  // The oldest of the threads' latest turns, by the steady clock.
  [[nodiscard]] Milliseconds last_turn() const;
  [[nodiscard]] std::string status() const;
  [[nodiscard]] service::HttpListener::Answer answer_monitoring(std::string_view path) const;

  Config config_;
  StateFile state_;  // used only by the publisher's thread once it runs
  PublisherFigures figures_;
  Loop loop_;
  service::HttpListener monitoring_;
  Timer watchdog_, looking_, ending_;
  WallTime started_;
  std::string told_;  // the status last sent to systemd
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> ended_ = false;
  Result<void> published_;  // how the publisher ended, once it has
  std::thread publisher_;
  std::unique_ptr<Service> service_;  // while it runs
};

}  // namespace aribus::nats
