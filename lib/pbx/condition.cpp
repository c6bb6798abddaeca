#include "pbx/condition.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace aribus::pbx {
namespace {

constexpr size_t max_failures_logged = 16;  // different ones, for one outage

std::string retrying(const ari::ClientOptions& options) {
  if (options.listen) return "aribusd waits for Asterisk to connect";
  return "aribusd keeps retrying, at most " +
         seconds_text(std::max(options.reconnect.max, options.reconnect.slow)) + " apart";
}

}  // namespace

std::string seconds_text(Milliseconds time) {
  const auto ms = time.count();
  return ms < 1000 ? std::to_string(ms) + " ms" : std::to_string((ms + 500) / 1000) + " s";
}

Condition::Condition(std::string server, std::string reason, WallTime since, std::function<void()> changed)
    : server_(std::move(server)), reason_(std::move(reason)), since_(since), changed_(std::move(changed)) {}

void Condition::become(State state, std::string reason) {
  if (state == state_ && reason == reason_) return;
  state_ = state;
  reason_ = std::move(reason);
  changed_();
}

void Condition::log_failure(const std::string& reason, Milliseconds retry_in,
                            const ari::ClientOptions& options) {
  if (is_news(reason)) {
    log_line(spdlog::level::warn, {{"SERVER", server_}}, "{}: {}{} {}", server_, reason,
             reason.ends_with('?') ? "" : ".", retrying(options));
  } else {
    log_line(spdlog::level::debug, {{"SERVER", server_}}, "{}: {}; next attempt in {} ms", server_, reason,
             retry_in.count());
  }
}

void Condition::become_unread(const std::string& reason) {
  const std::string unread = "its live objects could not be read, as " + reason;
  log_line(is_news(unread) ? spdlog::level::warn : spdlog::level::debug, {{"SERVER", server_}},
           "{}: its live objects could not be read, as {}. aribusd keeps asking while it is connected",
           server_, reason);
  become(state_, unread);
}

// Two failures in turns are no news either.
bool Condition::is_news(const std::string& failure) {
  return logged_.size() < max_failures_logged && logged_.insert(failure).second;
}

}  // namespace aribus::pbx
