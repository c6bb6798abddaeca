#include "pbx/graceful_close.h"

#include <utility>

#include "net/url.h"

namespace aribus::pbx {
namespace {

constexpr Milliseconds look_interval{20};

}  // namespace

GracefulClose::GracefulClose(ari::Client& client, std::vector<std::string> apps, Milliseconds patience,
                             std::function<void(bool)> left)
    : client_(client),
      apps_(std::move(apps)),
      left_(std::move(left)),
      patient_until_(client.loop().now() + patience),
      timer_(client.loop()) {
  timer_.every(look_interval, [this] { wait(); });
  client_.defer([this] { wait(); });
}

void GracefulClose::wait() {
  if (step_ != Step::waiting) return;
  if (client_.open_requests() == 0 || client_.loop().now() >= patient_until_) unsubscribe();
}

// ARI of 22.10 may block for ever when an application that is subscribed to device states goes away while one
// changes (its thread waits for a lock that waits for the thread), so that subscription ends first. An
// application for which Asterisk connects to aribus stays, with its subscriptions.
void GracefulClose::unsubscribe() {
  step_ = Step::unsubscribing;
  timer_.once(unsubscribe_timeout, [this] { close(); });
  open_ = 1;
  const auto done = [this] {
    if (--open_ == 0) close();
  };
  if (client_.is_connected() && !client_.options().listen) {
    for (const std::string& app : apps_) {
      ++open_;
      client_.request("DELETE",
                      "/applications/" + percent_encode(app) + "/subscription?eventSource=deviceState%3A", "",
                      [done](const auto&) { done(); });
    }
  }
  done();
}

// Reads the event stream to its end: where Asterisk keeps what comes after that, nothing is lost.
void GracefulClose::close() {
  if (step_ != Step::unsubscribing) return;
  step_ = Step::closing;
  timer_.stop();
  client_.leave(leave_timeout, [this, was_connected = client_.is_connected()] {
    step_ = Step::left;
    left_(was_connected);
  });
}

}  // namespace aribus::pbx
