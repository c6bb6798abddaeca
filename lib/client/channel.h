// A call's channel, and a bridge, for coroutines: what can be done with them, and what can be waited for.
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
// Nothing was played, or not all of it: there is no such sound, say.
struct PlaybackFailed : Raised {
  using Raised::Raised;
};
// Nothing was recorded.
struct RecordingFailed : Raised {
  using Raised::Raised;
};
// Who was called did not answer.
struct CallFailed : Raised {
  CallFailed(Error error, std::string outcome, int cause)
      : Raised(std::move(error)), outcome(std::move(outcome)), cause(cause) {}

  std::string outcome;  // busy, no_answer, refused, cancelled or failed: docs/protocol.md, "Waiting"
  int cause;            // Q.850's number of the reason, 0 when it is not known
};

using Timeout = std::optional<std::chrono::milliseconds>;  // none: no limit

// ARI's URIs of what is to be played, as "sound:hello-world". (No list in braces, which GCC 12 can't compile
// within co_await: several are a vector with a name.)
struct Media {
  Media(const char* uri) : uris{uri} {}
  Media(std::string uri) : uris{std::move(uri)} {}
  Media(std::vector<std::string> uris) : uris(std::move(uris)) {}

  std::vector<std::string> uris;
};

// Options are set one after the other: PlayOptions().terminate_on("any"). (They are no aggregates, which GCC
// 12 destroys twice when they are temporaries within co_await.)
class PlayOptions {
 public:
  PlayOptions() {}
  // Digits that end it, "any", or "none", as if it is not said. One that was pressed before and not taken
  // counts, too.
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

// As in ARI. Silence ends it after max_silence_seconds. The format is wav unless it is said.
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

// A channel in a Stasis application. Copies stand for the same one. All that waits, and every command, throws
// ChannelGone as soon as the channel has left the application; a command that finds no connection waits up to
// 30 s for one.
class Channel {
 public:
  Channel(Calls& calls, std::shared_ptr<ChannelState> state) : calls_(&calls), state_(std::move(state)) {}

  [[nodiscard]] const std::string& id() const;
  [[nodiscard]] const std::string& server() const;
  [[nodiscard]] const std::string& app() const;
  // The arguments that the application was entered with.
  [[nodiscard]] const std::vector<std::string>& args() const;
  // The channel as ARI showed it last.
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
  // "" when it is not set.
  Task<std::string> get(std::string variable) const;

  // Until the channel has left the application or ended.
  Task<void> gone() const;
  // The next digit that is pressed, or was and nobody took it; none when none comes in time.
  Task<std::optional<char>> digit(Timeout timeout = {}) const;
  // Digits, until there are `count`, or `terminator`, which is not among them, or none came in time:
  // `timeout` for the first one, `between` for each one after it. "" when none was pressed.
  Task<std::string> digits(std::optional<size_t> count = {}, std::string terminator = "#",
                           Timeout timeout = std::chrono::seconds(10),
                           Timeout between = std::chrono::seconds(3)) const;
  void clear_digits() const;
  // Plays, and waits for the end. Gives the digit that ended
  // it, if one did; others are kept for digit(). Throws PlaybackFailed.
  Task<std::optional<char>> play(Media media, PlayOptions options = PlayOptions()) const;
  // Records, and waits for the end. When the caller hangs up meanwhile, what was recorded is given. Digits
  // pressed meanwhile are forgotten. Throws RecordingFailed.
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

// A bridge that Calls::bridge() made. Copies stand for the same one.
class Bridge {
 public:
  Bridge(Calls& calls, std::shared_ptr<BridgeState> state) : calls_(&calls), state_(std::move(state)) {}

  [[nodiscard]] const std::string& id() const;
  [[nodiscard]] bool is_gone() const;

  // Any operation of ARI on a bridge, likewise.
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
  // Until a channel that was added has left the bridge or its application: gives it.
  Task<Channel> left() const;
  Task<void> destroy() const;

 private:
  Task<Json> operate(std::string method, std::string params) const;

  Calls* calls_;
  std::shared_ptr<BridgeState> state_;
};

}  // namespace aribus::client
