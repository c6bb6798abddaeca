// Channels and bridges for coroutines: their commands, and what can be awaited.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ari/generated/parameters.h"
#include "ari/result_reader.h"
#include "client/task.h"

namespace aribus::client {

class Calls;
struct ChannelState;
struct BridgeState;

// What coroutines throw: the errors of Client::call(), and those below.
struct Raised : std::exception {
  explicit Raised(Error error) : error(std::move(error)) {}
  [[nodiscard]] const char* what() const noexcept override { return error.message.c_str(); }

  Error error;
};
// The channel has left the application, or ended: it can't be controlled any more.
struct ChannelGone : Raised {
  using Raised::Raised;
};
// The bridge was destroyed.
struct BridgeGone : Raised {
  using Raised::Raised;
};
// Nothing was played, or not all of it: for example, there is no such sound.
struct PlaybackFailed : Raised {
  using Raised::Raised;
};
// Nothing was recorded.
struct RecordingFailed : Raised {
  using Raised::Raised;
};
// The called endpoint did not answer.
struct CallFailed : Raised {
  CallFailed(Error error, std::string outcome, int cause)
      : Raised(std::move(error)), outcome(std::move(outcome)), cause(cause) {}

  std::string outcome;  // busy, no_answer, refused, cancelled or failed: docs/protocol.md, "Waiting"
  int cause;            // the Q.850 cause code; 0 when it is unknown
};

using Timeout = std::optional<std::chrono::milliseconds>;  // none: no limit

// ARI's URIs of media to play, for example "sound:hello-world". (No list in braces: GCC 12 can't compile it
// within co_await. Several URIs are a vector with a name.)
struct Media {
  Media(const char* uri) : uris{uri} {}
  Media(std::string uri) : uris{std::move(uri)} {}
  Media(std::vector<std::string> uris) : uris(std::move(uris)) {}

  std::vector<std::string> uris;
};

// Options are set one after the other: PlayOptions().terminate_on("any"). (They are no aggregates: GCC 12
// destroys temporary aggregates within co_await twice.)
class PlayOptions {
 public:
  PlayOptions() {}
  // Digits that end it, "any" or "none" (default). A digit pressed earlier and not taken counts, too.
  PlayOptions& terminate_on(std::string digits) { return terminate_on_ = std::move(digits), *this; }
  PlayOptions& lang(std::string lang) { return lang_ = std::move(lang), *this; }
  PlayOptions& offsetms(int64_t time) { return offsetms_ = time, *this; }
  PlayOptions& skipms(int64_t time) { return skipms_ = time, *this; }

 private:
  friend class Calls;
  std::string terminate_on_ = "none";
  std::optional<std::string> lang_{};
  std::optional<int64_t> offsetms_{};
  std::optional<int64_t> skipms_{};
};

// As in ARI. Silence of max_silence_seconds ends it. The default format is wav.
class RecordOptions {
 public:
  RecordOptions() {}
  RecordOptions& format(std::string format) { return format_ = std::move(format), *this; }
  RecordOptions& max_duration_seconds(int64_t time) { return max_duration_seconds_ = time, *this; }
  RecordOptions& max_silence_seconds(int64_t time) { return max_silence_seconds_ = time, *this; }
  RecordOptions& if_exists(std::string what) { return if_exists_ = std::move(what), *this; }
  RecordOptions& beep() { return beep_ = true, *this; }
  RecordOptions& terminate_on(std::string digits) { return terminate_on_ = std::move(digits), *this; }

 private:
  friend class Calls;
  std::string format_ = "wav";
  std::optional<int64_t> max_duration_seconds_{};
  std::optional<int64_t> max_silence_seconds_{};
  std::optional<std::string> if_exists_{};
  std::optional<bool> beep_{};
  std::optional<std::string> terminate_on_{};
};

// A channel in a Stasis application. Copies refer to the same channel. Everything that waits, and every
// command, throws ChannelGone once the channel has left the application. A command without a connection waits
// for one, up to 30 s.
class Channel {
 public:
  Channel(Calls& calls, std::shared_ptr<ChannelState> state) : calls_(&calls), state_(std::move(state)) {}

  [[nodiscard]] const std::string& id() const;
  [[nodiscard]] const std::string& server() const;
  [[nodiscard]] const std::string& app() const;
  // The arguments of Stasis().
  [[nodiscard]] const std::vector<std::string>& args() const;
  // The channel in its latest event.
  [[nodiscard]] const JsonValue& data() const;
  // The caller's number, "" if there is none.
  [[nodiscard]] std::string number() const;
  [[nodiscard]] bool is_gone() const;
  [[nodiscard]] bool operator==(const Channel& other) const { return state_ == other.state_; }

  // Any operation of ARI on a channel: co_await caller.call(ari::ChannelsMute{.direction = "in"}).
  // `channelId` is this channel's.
  template <typename Params>
  Task<typename Params::Answer> call(Params params) const {
    params.channelId = id();
    return read<typename Params::Answer>(operate(std::string(Params::method), ari::to_json(params)));
  }

  Task<void> answer() const {
    const ari::ChannelsAnswer params{};
    return call(params);
  }
  Task<void> hangup(std::optional<std::string> reason = {}) const {
    const ari::ChannelsHangup params{.reason = std::move(reason)};
    return call(params);
  }
  Task<void> ring() const {
    const ari::ChannelsRing params{};
    return call(params);
  }
  Task<void> ring_stop() const {
    const ari::ChannelsRingStop params{};
    return call(params);
  }
  Task<void> dtmf(std::string digits) const {
    const ari::ChannelsSendDTMF params{.dtmf = std::move(digits)};
    return call(params);
  }
  Task<void> set(std::string variable, std::string value) const {
    const ari::ChannelsSetChannelVar params{.variable = std::move(variable), .value = std::move(value)};
    return call(params);
  }
  // "" when the variable is not set.
  Task<std::string> get(std::string variable) const;

  // Waits until the channel has left the application or ended.
  Task<void> gone() const;
  // The next digit, or an earlier one that was not taken; nothing when none is pressed in time.
  Task<std::optional<char>> digit(Timeout timeout = {}) const;
  // Digits up to `count` of them, to one in `terminator` (not part of the result), or until none is pressed
  // in time: `timeout` for the first one, `between` for each further one. "" when none was pressed.
  Task<std::string> digits(std::optional<size_t> count = {}, std::string terminator = "#",
                           Timeout timeout = std::chrono::seconds(10),
                           Timeout between = std::chrono::seconds(3)) const;
  void clear_digits() const;
  // Plays and waits for the end. Returns the digit that ended it, if one did; other digits are kept for
  // digit(). Throws PlaybackFailed.
  Task<std::optional<char>> play(Media media, PlayOptions options = PlayOptions()) const;
  // Records and waits for the end. When the caller hangs up, the recording up to there is returned. Digits
  // pressed meanwhile are dropped. Throws RecordingFailed.
  Task<ari::LiveRecording> record(std::string name, RecordOptions options = RecordOptions()) const;

 private:
  friend class Calls;
  friend class Bridge;

  Task<Json> operate(std::string method, std::string params) const;
  template <typename T>
  static Task<T> read(Task<Json> work) {
    const Json answer = co_await std::move(work);
    if constexpr (!std::is_void_v<T>) {
      Result<T> value = ari::ResultReader<T>::read(answer);
      if (!value) throw Raised(std::move(value.error()));
      co_return std::move(*value);
    }
  }

  Calls* calls_;
  std::shared_ptr<ChannelState> state_;
};

// A bridge made by Calls::bridge(). Copies refer to the same bridge.
class Bridge {
 public:
  Bridge(Calls& calls, std::shared_ptr<BridgeState> state) : calls_(&calls), state_(std::move(state)) {}

  [[nodiscard]] const std::string& id() const;
  [[nodiscard]] bool is_gone() const;

  // Any operation of ARI on a bridge; `bridgeId` is this bridge's.
  template <typename Params>
  Task<typename Params::Answer> call(const Params& params) const {
    Params own = params;
    own.bridgeId = id();
    return Channel::read<typename Params::Answer>(operate(std::string(Params::method), ari::to_json(own)));
  }
  template <typename Params>
  Task<typename Params::Answer> call(Params&& params) const = delete;
  // Throws ChannelGone.
  Task<void> add(Channel channel) const;
  // Waits until a channel that was added has left the bridge or its application, and returns it.
  Task<Channel> left() const;
  Task<void> destroy() const;

 private:
  Task<Json> operate(std::string method, std::string params) const;

  Calls* calls_;
  std::shared_ptr<BridgeState> state_;
};

}  // namespace aribus::client
