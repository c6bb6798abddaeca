#include "ari/app_takeover.h"

#include <memory>
#include <utility>

namespace aribus::ari {

AppTakeover::AppTakeover(Loop& loop, AppTakeoverOptions options, IsKnown is_known,
                         std::function<void()> take_back)
    : loop_(loop),
      options_(options),
      is_known_(std::move(is_known)),
      take_back_(std::move(take_back)),
      backoff_(options.backoff),
      retry_(loop),
      look_(loop) {}

bool AppTakeover::taken(const std::string& app) {
  if (!connected_at_ || !apps_.insert(app).second) return false;
  look_.every(options_.look_interval, [this] { look(); });
  if (options_.policy == OnReplaced::report || retry_.active()) return true;
  const Milliseconds held = loop_.now() - *connected_at_;
  backoff_.ended(held);
  const bool again = std::exchange(contested_, true) && held < options_.backoff.stable;
  retry_.once(again ? backoff_.next() : Milliseconds(0), [this] { take_back_(); });
  return true;
}

// They are taken back when no other client holds any of them: reconnecting takes all.
void AppTakeover::look() {
  const uint64_t connection = connection_;
  const auto left = std::make_shared<size_t>(apps_.size());
  for (const std::string& app : apps_) {
    is_known_(app, [this, connection, left](bool known) {
      if (!known && --*left == 0 && connection == connection_) take_back_();
    });
  }
}

void AppTakeover::connected() {
  ++connection_;
  apps_.clear();
  retry_.stop();
  look_.stop();
  connected_at_ = loop_.now();
}

void AppTakeover::disconnected() {
  ++connection_;
  retry_.stop();
  look_.stop();
  connected_at_.reset();
}

}  // namespace aribus::ari
