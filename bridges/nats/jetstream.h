// One connection to NATS and one JetStream stream, using libnats.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
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
  // Not set: a new stream has one replica and no limits, an existing one stays as it is. Set: an existing
  // stream is changed to them.
  std::optional<int64_t> replicas{};
  std::optional<std::chrono::seconds> max_age{};  // 0: no limit
  std::optional<int64_t> max_bytes{};             // -1: no limit

  bool operator==(const StreamOptions&) const = default;
};

// The end of the stream in NATS.
struct StreamEnd {
  uint64_t last = 0;    // the sequence of the last message that it ever had; 0: none
  Place place{};        // of aribus-nats' last message that it still holds; no stream: it holds none
  uint64_t others = 0;  // messages of other publishers after it
  // If `place` has no stream:
  bool none_behind_known = false;  // the stream holds no message of aribus-nats after the known sequence
  bool others_unknown = false;     // there were too many messages of others to search further

  uint64_t first = 0;     // the sequence of the first message that it still holds; 0: none
  bool is_whole = false;  // it holds all messages from there to the last
};

// Used by one thread. It does not reconnect: after an error it must be replaced, and the fate of unanswered
// messages must be read from the stream over a new connection.
class JetStream {
 public:
  using Milliseconds = std::chrono::milliseconds;

  // Connects. Errors: not_connected.
  [[nodiscard]] static Result<JetStream> connect(const NatsOptions& options);
  JetStream(JetStream&&) noexcept;
  JetStream& operator=(JetStream&&) = delete;
  ~JetStream();

  // Creates the stream if it does not exist, changes the limits of an existing one, and returns its end.
  // `known`: the sequence of a known message; messages before it are not read. Errors: invalid_params if the
  // stream belongs to another installation or has other settings, with the reason; not_connected.
  [[nodiscard]] Result<StreamEnd> open(const StreamOptions& options, uint64_t known);

  // Calls `take` for each sequence from `first` to `last`, until it returns false: with the Nats-Msg-Id of
  // the message; "" if it has none, or there is no such message. Errors: not_connected.
  [[nodiscard]] Result<void> read_ids(const std::string& name, uint64_t first, uint64_t last,
                                      const std::function<bool(std::string_view id)>& take);

  // Makes the stream of another installation belong to `options.owner`, and returns its previous owner. Its
  // messages stay. Errors: invalid_params if it does not exist, or was not made by aribus-nats;
  // not_connected.
  [[nodiscard]] Result<std::string> adopt(const StreamOptions& options);

  // Sends a message that is to be stored after the sequence `expected`. Blocks while the connection is full.
  // Errors: not_connected.
  [[nodiscard]] Result<void> publish(const std::string& subject, const std::string& id, uint64_t expected,
                                     std::string_view text);
  struct Answer {
    uint64_t expected;  // identifies the message
    std::string text;
  };
  // The next answer to a message; nullopt if none comes in time. Errors: not_connected.
  [[nodiscard]] Result<std::optional<Answer>> next_answer(Milliseconds timeout);
  // The server's maximum size of a message, including its headers.
  [[nodiscard]] size_t max_bytes() const;
  [[nodiscard]] bool is_connected() const;
  // The permission that the server denied, as the end of a sentence; "": none.
  [[nodiscard]] std::string complaint() const { return nats::complaint(connection_); }

 private:
  JetStream() = default;
  [[nodiscard]] Result<StreamEnd> read_end(const std::string& name, const jsStreamInfo& info, uint64_t known);
  // The message's Nats-Msg-Id, "" without one; nullopt: there is no such message.
  [[nodiscard]] Result<std::optional<std::string>> id_of(const std::string& name, uint64_t seq);

  natsConnection* connection_ = nullptr;
  jsCtx* context_ = nullptr;
  natsSubscription* answers_ = nullptr;
  std::string inbox_;  // the prefix of the answers' subjects
};

}  // namespace aribus::nats
