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

  // Connects, and subscribes behind `after`, or from the oldest record on that the daemon keeps.
  // Errors: not_connected; the daemon's.
  [[nodiscard]] static Result<Records> open(const RecordsOptions& options, const Place& after);

  // Where delivery begins: behind this place. Of another stream than `after` when the daemon has begun a new
  // one.
  [[nodiscard]] const Place& begin() const { return begin_; }
  // Whether everything behind `after` comes, or is told to be lost.
  [[nodiscard]] bool goes_on() const { return goes_on_; }
  // Why not, as the daemon says it.
  [[nodiscard]] const std::string& reason() const { return reason_; }
  // Begins anew with what comes next. For a daemon whose stream ends before `after`: its file was put back to
  // an older state, and the seqs that follow were those of other records. Errors: not_connected; the
  // daemon's.
  [[nodiscard]] Result<void> begin_with_newest();

  // The next record or `lost`, good until the next call; nothing when none comes in time.
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
