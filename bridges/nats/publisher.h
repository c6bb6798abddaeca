// Copies the daemon's records into the stream in NATS: all of them, in order, each once.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>

#include "base/result.h"
#include "nats/jetstream.h"
#include "nats/records.h"
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
struct PublisherFigures {
  std::atomic<uint64_t> stored{0};     // records that JetStream has acknowledged
  std::atomic<uint64_t> lost{0};       // records that were gone before they could be published
  std::atomic<uint64_t> under_way{0};  // published and not acknowledged
  std::atomic<uint64_t> restarts{0};   // how often it had to begin again from what the stream holds
  std::atomic<bool> publishes{false};  // both sides are connected
};

// One thread runs it. Where to go on is read from the stream in NATS, after each connection and after each
// error: what is stored there decides, and neither a message that was cut nor an answer that was lost can put
// a record there twice, or none.
class Publisher {
 public:
  Publisher(PublisherOptions options, StateFile& state, PublisherFigures& figures)
      : options_(std::move(options)), state_(state), figures_(figures) {}

  // Runs until `stopped` says true, which is asked at least every 100 ms. Says in the log what keeps it from
  // publishing, once a reason, and tries again.
  void run(const std::function<bool()>& stopped);

 private:
  // Until something ends it. Errors: why.
  [[nodiscard]] Error publish(const std::function<bool()>& stopped);
  // Where the stream in NATS ends, and which record that is.
  [[nodiscard]] Place place_at(const StreamEnd& end) const;
  [[nodiscard]] Result<void> send(JetStream& to, Window& window, const Envelope& envelope,
                                  const std::string& stream);
  [[nodiscard]] Result<void> send_restarted(JetStream& to, Window& window, const Records& records);
  [[nodiscard]] Result<void> take_answers(JetStream& from, Window& window, std::chrono::milliseconds wait);
  void remember(const Window& window, bool now);

  PublisherOptions options_;
  StateFile& state_;
  PublisherFigures& figures_;
  std::chrono::steady_clock::time_point remembered_{};
};

}  // namespace aribus::nats
