// One connection to NATS and one stream of JetStream, by libnats.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "nats/connection.h"
#include "nats/window.h"

typedef struct __natsSubscription natsSubscription;
typedef struct __jsCtx jsCtx;
struct jsStreamInfo;

namespace aribus::nats {

struct StreamOptions {
  std::string name;      // ARIBUS_<pbx>
  std::string subjects;  // records_of()
  std::string owner;     // the installation whose stream it is
  // What a new stream gets without them: one replica, and no limits. A stream that is there keeps what it has
  // without them, and is changed to them.
  std::optional<int64_t> replicas{};
  std::optional<std::chrono::seconds> max_age{};  // 0: without a limit
  std::optional<int64_t> max_bytes{};             // -1: without a limit

  bool operator==(const StreamOptions&) const = default;
};

// How the stream in NATS ends.
struct StreamEnd {
  uint64_t last = 0;  // the sequence of the last message that it ever had; 0: none
  Place place{};      // of the last message of aribus-nats' that it still holds; no stream: it holds none
  uint64_t place_last = 0;  // its sequence
  uint64_t others = 0;      // messages behind it that others have published
  // Where `place` is of none:
  bool none_behind_known =
      false;                    // it holds messages up to the known sequence, and none of aribus-nats' behind
  bool others_unknown = false;  // there were too many of others to look for it
};

// Used by one thread. It does not reconnect: after an error it is of no further use, and what happened to
// messages that were not answered is to be read from the stream over another connection.
class JetStream {
 public:
  using Milliseconds = std::chrono::milliseconds;

  // Connects. Errors: not_connected.
  [[nodiscard]] static Result<JetStream> connect(const NatsOptions& options);
  JetStream(JetStream&&) noexcept;
  JetStream& operator=(JetStream&&) = delete;
  ~JetStream();

  // Makes the stream if there is none, gives one that is there the limits that are asked for, and says how it
  // ends. The message of the sequence `known` is known, and what is before it is not looked at. Errors:
  // invalid_params when there is one of another installation, or with other settings, saying which;
  // not_connected.
  [[nodiscard]] Result<StreamEnd> open(const StreamOptions& options, uint64_t known);

  // Makes a stream of another installation one of `options.owner`, and says whose it was. What it holds
  // stays. Errors: invalid_params when there is none, or one that was not made by aribus-nats; not_connected.
  [[nodiscard]] Result<std::string> adopt(const StreamOptions& options);

  // Sends a message that is stored as the one behind `expected`. It may wait until the connection takes it.
  // Errors: not_connected.
  [[nodiscard]] Result<void> publish(const std::string& subject, const std::string& id, uint64_t expected,
                                     std::string_view text);
  struct Answer {
    uint64_t expected;  // of the message that it is for
    std::string text;
  };
  // The next answer to a message; nothing when none comes in time. Errors: not_connected.
  [[nodiscard]] Result<std::optional<Answer>> next_answer(Milliseconds timeout);
  // The largest message that the server takes, headers included.
  [[nodiscard]] size_t max_bytes() const;
  [[nodiscard]] bool is_connected() const;
  // What the server does not let this user do, as the end of a sentence; "": it has not complained.
  [[nodiscard]] std::string complaint() const { return nats::complaint(connection_); }

 private:
  JetStream() = default;
  [[nodiscard]] Result<StreamEnd> read_end(const std::string& name, const jsStreamInfo& info, uint64_t known);

  natsConnection* connection_ = nullptr;
  jsCtx* context_ = nullptr;
  natsSubscription* answers_ = nullptr;
  std::string inbox_;  // what the subjects of answers begin with
};

}  // namespace aribus::nats
