// Copies the daemon's records into the stream in NATS: all of them, in order, each once.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "nats/jetstream.h"
#include "nats/records.h"
#include "nats/resumption.h"
#include "nats/state_file.h"
#include "nats/window.h"

namespace aribus::nats {

struct PublisherOptions {
  std::string pbx;  // a token
  NatsOptions nats;
  StreamOptions stream;
  RecordsOptions records;
};

// What it has done, read by other threads.
class PublisherFigures {
 public:
  std::atomic<uint64_t> stored{0};     // messages that JetStream has acknowledged
  std::atomic<uint64_t> lost{0};       // records that were gone before they could be published
  std::atomic<uint64_t> truncated{0};  // records that were too large for a message
  std::atomic<uint64_t> under_way{0};  // published and not acknowledged
  std::atomic<uint64_t> restarts{0};   // how often it had to begin again from what the stream holds
  std::atomic<bool> publishes{false};  // what there was is stored, or a part of it
  std::atomic<int64_t> turned_ms{0};   // when it last went on, by the steady clock

  // The last record that is known to be stored; no stream: none.
  [[nodiscard]] Place place() const {
    const std::lock_guard lock(mutex_);
    return place_;
  }
  // Why it does not publish; "" while it does.
  [[nodiscard]] std::string reason() const {
    const std::lock_guard lock(mutex_);
    return reason_;
  }
  void set_place(const Place& place) {
    const std::lock_guard lock(mutex_);
    place_ = place;
  }
  void set_reason(const std::string& reason) {
    const std::lock_guard lock(mutex_);
    reason_ = reason;
  }

 private:
  mutable std::mutex mutex_;
  Place place_;
  std::string reason_;
};

// One thread runs it. Where to go on is read from the stream in NATS, after each connection and after each
// error: what is stored there decides, and neither a message that was cut nor an answer that was lost can put
// a record there twice, or none.
class Publisher {
 public:
  Publisher(PublisherOptions options, StateFile& state, PublisherFigures& figures)
      : options_(std::move(options)), state_(state), figures_(figures) {}

  // Runs until `stopped` says true, which is asked at least every 100 ms. Says in the log what keeps it from
  // publishing, once a reason, and tries again. Errors: refused, when another program publishes to the same
  // stream again and again: one of the two has to end.
  [[nodiscard]] Result<void> run(const std::function<bool()>& stopped);

 private:
  struct Session;
  using Clock = std::chrono::steady_clock;

  // Until something ends it. Errors: why.
  [[nodiscard]] Error publish(const std::function<bool()>& stopped);
  [[nodiscard]] Result<void> begin(Session& session);
  [[nodiscard]] Result<void> send(Session& session, const Envelope& envelope);
  [[nodiscard]] Result<void> send_lost(Session& session, const Envelope& envelope);
  // One that is not the daemon's: `subject` and `text`, in the place of what leads to `place`. `id` is its
  // Nats-Msg-Id.
  [[nodiscard]] Result<void> send_report(Session& session, const Place& place, const std::string& id,
                                         const std::string& type, const std::string& text);
  // Takes what has come; the first answer may take as long as `wait`.
  [[nodiscard]] Result<void> take_answers(Session& session, std::chrono::milliseconds wait);
  // Waits until nothing is under way.
  [[nodiscard]] Result<void> drain(Session& session);
  // Once something is stored, or nothing is there: a connection alone does not say that JetStream takes
  // records.
  void note_publishing(const Session& session, bool none_left);
  // Says why it does not publish: once a reason, and at most once a minute where it comes and goes.
  void tell(const Error& error);
  void remember(const Session& session, bool now, const Place& report = {});
  void note_turn();
  // Whether another program like this one publishes to the stream, which ends so.
  [[nodiscard]] bool has_rival(const StreamEnd& end);

  PublisherOptions options_;
  StateFile& state_;
  PublisherFigures& figures_;
  Clock::time_point remembered_{};
  bool unwritable_ = false;                        // the state file; it was said
  std::map<std::string, Clock::time_point> told_;  // reasons without their numbers, and when each was said
  bool tells_return_ = true;                       // when it publishes again
  // Each may concern every record, for hours.
  RareWarnings truncated_{Clock::now, std::chrono::minutes(1)}, lost_{Clock::now, std::chrono::minutes(1)};
  bool refused_ = false;  // the last session ended because the stream was not as it was left
  int refusals_ = 0;      // how many sessions in a row ended so
  bool gives_up_ = false;
};

}  // namespace aribus::nats
