// Channels that have not entered their application yet, or have left it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ari/schema.h"
#include "base/newest.h"
#include "base/result.h"
#include "json/json.h"
#include "net/loop.h"
#include "record/record.h"
#include "state/model.h"

namespace aribus::pbx {

struct StasisEntriesOptions {
  Milliseconds longest{2000};  // that commands wait for a channel's StasisStart, from its creation
};

// Asterisk answers the command that creates a channel for an application before the channel has entered it,
// and until then refuses whatever needs a channel in Stasis. This class knows the channels that commands have
// made for an application that aribusd holds, until they enter it, and those that have left one: the newest
// 4,096 of both. Used on the loop's thread only.
class StasisEntries {
 public:
  enum class Place : uint8_t { entering, left, unknown };

  explicit StasisEntries(Loop& loop, StasisEntriesOptions options = {});

  // A command has made the channel `id` for `app`, and its StasisStart has not come. `created` is its
  // creationtime, which distinguishes channels with the same id; "" if unknown.
  void made(std::string_view id, std::string_view app, std::string_view created);
  // Processes a record.
  void see(const record::Record& record);

  [[nodiscard]] Place place(std::string_view id) const;
  // The application that it was made for, or has left; "" if unknown.
  [[nodiscard]] std::string_view app(std::string_view id) const;
  // Whether it was made less than `longest` ago and has not entered its application.
  [[nodiscard]] bool is_awaited(std::string_view id) const;
  // Calls `done` once none of `ids` is awaited any more, for whatever reason: at once, or from the loop.
  void when_settled(std::vector<std::string> ids, std::function<void()> done);
  // Whether a `done` is pending.
  [[nodiscard]] bool is_busy() const { return !waiting_.empty(); }

 private:
  struct Channel {
    bool entering = false;  // false: it has left
    std::string app;
    std::string created;
    Milliseconds until{0};  // on the loop's clock
  };
  struct Waiting {
    std::vector<std::string> ids;
    std::function<void()> done;
  };

  // The known channel that the event shows; nullptr if it shows another one with that id, or none.
  [[nodiscard]] Channel* find_shown(const record::Record& event, std::string& id);
  [[nodiscard]] bool is_settled(const Waiting& waiting) const;
  void settle();

  Loop& loop_;
  StasisEntriesOptions options_;
  Newest<Channel> channels_;  // by id
  std::vector<Waiting> waiting_;
  Timer timer_;
};

// The channels of a command that Asterisk requires to be in Stasis.
[[nodiscard]] std::vector<std::string> channels_in_stasis(const ari::Operation& operation,
                                                          const JsonValue& params);

// Whether Asterisk refused because a channel is not in Stasis. It checks all channels of a command before it
// does anything, so nothing was done (res/ari/resource_channels.c, resource_bridges.c, 16 and 22).
[[nodiscard]] bool is_not_in_stasis(const Error& error);

// Completes such an error of a command about `channels`: the message, and `stasis` in its data, say whether
// the channel is "not_yet" or "no_longer" in Stasis, or "unknown". `sent` is the model's latest() when the
// command was sent.
[[nodiscard]] Error not_in_stasis(Error error, const std::vector<std::string>& channels,
                                  const StasisEntries& entries, const state::Model& model, uint64_t sent);

}  // namespace aribus::pbx
