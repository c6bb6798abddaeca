#include "nats/bridge.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include <pthread.h>
#include <sched.h>
#include <spdlog/spdlog.h>

#include "nats/metrics.h"
#include "service/metric_families.h"
#include "service/notify.h"

namespace aribus::nats {
namespace {

using service::notify_status;
using service::notify_systemd;

constexpr Milliseconds look_interval{1000};
constexpr Milliseconds ending_interval{20};
constexpr Milliseconds end_timeout{10'000};  // for pending work, or an attempt to connect
// An attempt of libnats to connect takes up to 5 s per server, plus the name lookup. A thread without a turn
// for longer than this is stuck: systemd's watchdog restarts the process.
constexpr Milliseconds stuck_after{120'000};
constexpr Milliseconds told_after{20'000};  // without a turn, before this is logged

Milliseconds monotonic() {
  return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

Result<std::unique_ptr<Bridge>> Bridge::make(Config config) {
  Result<StateFile> state = StateFile::open(config.state_file);
  if (!state) return state.error();
  if (auto held = state->hold(); !held) return held.error();
  return std::unique_ptr<Bridge>(new Bridge(std::move(config), std::move(*state)));
}

Bridge::Bridge(Config config, StateFile state)
    : config_(std::move(config)),
      state_(std::move(state)),
      monitoring_(loop_, [this](std::string_view path) { return answer_monitoring(path); }),
      watchdog_(loop_),
      looking_(loop_),
      ending_(loop_),
      started_(wall_now()) {
  config_.stream.owner = state_.state().installation;
}

Bridge::~Bridge() {
  stopping_ = true;
  if (publisher_.joinable()) publisher_.join();
}

void Bridge::publish() {
  // Programs on the socket have priority: a SCHED_BATCH thread, and the threads that libnats starts from it,
  // do not preempt others when they wake up (sched(7)). A failure is ignored.
  const sched_param none{};
  ::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &none);
  Publisher publisher(
      {.pbx = config_.name, .nats = config_.nats, .stream = config_.stream, .records = config_.records},
      state_, figures_);
  published_ = publisher.run([this] { return stopping_.load(); });
  ended_ = true;
}

Result<bool> Bridge::run() {
  const Signal on_term(loop_, SIGTERM, [this] { stop(); });
  const Signal on_int(loop_, SIGINT, [this] { stop(); });
  const Signal on_hup(loop_, SIGHUP, [] {
    spdlog::warn(
        "SIGHUP is ignored: aribus-nats reads its configuration only at startup; restart it to apply "
        "changes");
  });
  if (auto listening = monitoring_.listen(config_.metrics); !listening) return listening.error();
  figures_.turned_ms = monotonic().count();
  publisher_ = std::thread([this] { publish(); });
  service_ = std::make_unique<Service>(
      ServiceOptions{.pbx = config_.name,
                     .version = ARIBUS_VERSION,
                     .nats = config_.nats,
                     .socket = config_.records.socket,
                     .rules = config_.rules},
      [this] {
        return Published{.publishes = figures_.publishes,
                         .reason = figures_.reason(),
                         .last = figures_.place(),
                         .lost = figures_.lost,
                         .all = config_.records.types.empty() && config_.records.exclude.empty()};
      });
  if (const auto interval = service::watchdog_interval()) {
    watchdog_.every(*interval, [this] {
      if (monotonic() - last_turn() < stuck_after) notify_systemd("WATCHDOG=1");
    });
  }
  notify_systemd("READY=1");
  looking_.every(look_interval, [this] { look(); });
  look();
  loop_.run();
  if (!ended_ || (stopping_ && !service_->has_ended())) {
    spdlog::warn("not all threads ended within {} s: exiting without them; stored records are in NATS",
                 end_timeout.count() / 1000);
    return false;
  }
  publisher_.join();
  service_.reset();
  if (!published_) return published_.error();
  spdlog::info("stopped");
  return true;
}

void Bridge::stop() {
  if (stopping_.exchange(true)) return;
  spdlog::info("stopping: waiting for pending records and commands");
  notify_systemd("STOPPING=1");
  service_->stop();
  ending_.every(ending_interval, [this, until = loop_.now() + end_timeout] {
    if ((ended_ && service_->has_ended()) || loop_.now() >= until) loop_.stop();
  });
}

void Bridge::look() {
  if (ended_ && !stopping_) return loop_.stop();  // the publisher has given up
  if (std::string text = status(); text != told_) {
    notify_status(text);
    if (!stopping_ && monotonic() - last_turn() > told_after) spdlog::warn("{}", text);
    told_ = std::move(text);
  }
}

Milliseconds Bridge::last_turn() const {
  return std::min(Milliseconds(figures_.turned_ms), service_->last_turn());
}

std::string Bridge::status() const {
  if (!stopping_ && monotonic() - last_turn() > told_after) {
    return "no answer for 20 s, from a name server or from NATS at " + config_.nats.url +
           ": records or commands wait for it";
  }
  if (figures_.publishes) return "publishing to the stream " + config_.stream.name;
  const std::string reason = figures_.reason();
  return reason.empty() ? "connecting" : "not publishing: " + reason;
}

service::HttpListener::Answer Bridge::answer_monitoring(std::string_view path) const {
  if (path == "/metrics") {
    return {.content_type = service::metrics_content_type,
            .body = metrics_text({.publisher = figures_, .service = *service_, .started = started_})};
  }
  if (path == "/healthz") return {.body = "the loop turns\n"};
  if (path == "/readyz") {
    if (figures_.publishes) return {.body = "ready\n"};
    return {.status = 503, .body = status() + "\n"};
  }
  return {.status = 404, .body = "/metrics, /healthz or /readyz is expected\n"};
}

}  // namespace aribus::nats
