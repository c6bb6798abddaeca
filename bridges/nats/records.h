// The daemon's stream of records, over its socket.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/line_socket.h"
#include "json/json.h"
#include "nats/envelope.h"
#include "nats/window.h"
#include "protocol/default_socket.h"

namespace aribus::nats {

struct RecordsOptions {
  std::string socket = default_socket;
  std::vector<std::string> types{};    // globs; empty: all
  std::vector<std::string> exclude{};  // globs
};

// One connection, used by one thread.
class Records {
 public:
  using Milliseconds = std::chrono::milliseconds;

  // Connects, and subscribes after `after`, or from the daemon's oldest record.
  // Errors: not_connected; the daemon's.
  [[nodiscard]] static Result<Records> open(const RecordsOptions& options, const Place& after);

  // Delivery begins after this place. It is in another stream than `after` if the daemon has started a new
  // one.
  [[nodiscard]] const Place& begin() const { return begin_; }
  // Whether every record after `after` is delivered or reported as lost.
  [[nodiscard]] bool goes_on() const { return goes_on_; }
  // The daemon's reason if not.
  [[nodiscard]] const std::string& reason() const { return reason_; }
  // Subscribes again, from the next record on. For a daemon whose stream ends before `after`: its file was
  // restored to an older state, so the next seqs were already used for other records. Errors: not_connected;
  // the daemon's.
  [[nodiscard]] Result<void> begin_with_newest();

  // The next record or `lost`, valid until the next call; nullopt if none comes in time.
  // Errors: not_connected.
  [[nodiscard]] Result<std::optional<Envelope>> next(Milliseconds timeout);

 private:
  Records(const RecordsOptions& options, client::LineSocket socket)
      : options_(options), socket_(std::move(socket)) {}
  // The result of a request. Errors: not_connected; the daemon's.
  [[nodiscard]] Result<Json> ask(std::string_view method, std::string_view params);
  [[nodiscard]] Result<void> subscribe(const Place& after, std::string_view from);

  RecordsOptions options_;
  client::LineSocket socket_;
  uint64_t last_id_ = 0;
  Place begin_;
  bool goes_on_ = false;
  std::string reason_;
};

}  // namespace aribus::nats
