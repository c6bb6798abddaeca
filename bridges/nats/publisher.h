// Copies the daemon's records to the stream in NATS: all of them, in order, each once.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

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

// Counters and state of the publisher, read by other threads.
class PublisherFigures {
 public:
  std::atomic<uint64_t> stored{0};     // messages that JetStream has acknowledged
  std::atomic<uint64_t> lost{0};       // records that are reported as lost
  std::atomic<uint64_t> truncated{0};  // records that were too large for a message
  std::atomic<uint64_t> under_way{0};  // published and not acknowledged
  std::atomic<uint64_t> restarts{0};   // how often it restarted from the end of the stream
  std::atomic<bool> publishes{false};  // see Publisher::note_publishing()
  std::atomic<int64_t> turned_ms{0};   // its latest turn, by the steady clock

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

// Run by one thread. After each connect and each error it reads from the stream in NATS where to resume: only
// what is stored there counts, so a broken connection or a lost answer can neither duplicate a record nor
// lose one.
class Publisher {
 public:
  Publisher(PublisherOptions options, StateFile& state, PublisherFigures& figures)
      : options_(std::move(options)), state_(state), figures_(figures) {}

  // Runs until `stopped` returns true; it is called at least every 100 ms. Logs why it can't publish, once
  // per reason, and retries. Errors: refused, when another program repeatedly publishes to the same stream:
  // one of the two must be stopped.
  [[nodiscard]] Result<void> run(const std::function<bool()>& stopped);

 private:
  struct Session;
  using Clock = std::chrono::steady_clock;

  // Runs until an error or `stopped`; returns the reason.
  [[nodiscard]] Error publish(const std::function<bool()>& stopped);
  [[nodiscard]] Error publish(Session& session, const std::function<bool()>& stopped);
  [[nodiscard]] Result<void> begin(Session& session);
  // Reports what the stream in NATS misses of a flight.
  [[nodiscard]] Result<void> report_missing(Session& session, const std::function<bool()>& stopped);
  // What the stream has of the flight.
  struct Stored {
    std::vector<Place> places;
    std::vector<std::string> reports;  // the ids of reports among them and behind them
  };
  [[nodiscard]] Result<Stored> read_flight(Session& session, const Flight& flight,
                                           const std::function<bool()>& stopped);
  // Keeps what the session has learned of how nats-server took its messages.
  void note_end(const Session& session);
  void forget_flight();
  [[nodiscard]] Result<void> send(Session& session, const Envelope& envelope);
  [[nodiscard]] Result<void> send_lost(Session& session, const Envelope& envelope);
  // Sends the report `lost` in the place `place`. `id`: see send_report().
  [[nodiscard]] Result<void> send_lost(Session& session, const Place& place, const std::string& id,
                                       const Missing& lost);
  // Sends a report of the bridge process itself, which takes the place of the records up to `place`. `id` is
  // its Nats-Msg-Id.
  [[nodiscard]] Result<void> send_report(Session& session, const Place& place, const std::string& id,
                                         const std::string& type, const std::string& text);
  // Handles the answers that have arrived; waits up to `wait` for the first one.
  [[nodiscard]] Result<void> take_answers(Session& session, std::chrono::milliseconds wait);
  // Waits until all messages are acknowledged.
  [[nodiscard]] Result<void> drain(Session& session);
  // Publishing counts as working once a record is stored, or there is none to publish: a connection alone
  // does not show that JetStream accepts records.
  void note_publishing(const Session& session, bool none_left);
  // Logs why it does not publish: once per reason, and at most once a minute for one that recurs.
  void tell(const Error& error);
  void remember(const Session& session, bool now, const Place& report = {});
  void write_state(StateFile::State state);
  void note_turn();
  // Whether another aribus-nats publishes to this stream, which ends like this.
  [[nodiscard]] bool has_rival(const StreamEnd& end);

  PublisherOptions options_;
  StateFile& state_;
  PublisherFigures& figures_;
  Clock::time_point remembered_{};
  bool unwritable_ = false;                        // the state file can't be written, which was logged
  std::map<std::string, Clock::time_point> told_;  // logged reasons without their numbers, and when
  bool tells_return_ = true;                       // log when it publishes again
  // Each may be caused by every record, for hours.
  RareWarnings truncated_{Clock::now, std::chrono::minutes(1)}, lost_{Clock::now, std::chrono::minutes(1)},
      unkept_{Clock::now, std::chrono::minutes(1)};
  // nats-server counts messages that it had no room for, and keeps none: its count is `by` ahead of the
  // stream that ends with `last`.
  struct Ahead {
    uint64_t last = 0, by = 0;
  } ahead_;
  Clock::time_point alone_until_{};  // each message is sent alone
  bool refused_ = false;             // the last session ended because somebody else had changed the stream
  int refusals_ = 0;                 // how many consecutive sessions ended like that
  bool gives_up_ = false;
};

}  // namespace aribus::nats
