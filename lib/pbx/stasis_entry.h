// Channels that are not in their application yet, or not any more.
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
  Milliseconds longest{2000};  // that commands wait for a channel's StasisStart, from when it was made
};

// Asterisk answers the command that makes a channel for an application before the channel has entered it, and
// until then refuses whatever needs a channel in Stasis. Knows the channels that commands have made for an
// application that aribus holds, until they enter it, and those that have left one: the newest 4,096 of both.
// Lives on the loop's thread.
class StasisEntries {
 public:
  enum class Place : uint8_t { entering, left, unknown };

  explicit StasisEntries(Loop& loop, StasisEntriesOptions options = {});

  // A command has made the channel `id` for `app`, and no StasisStart of it has come. `created`: its
  // creationtime, by which it is told from others of its id; "" when that is not known.
  void made(std::string_view id, std::string_view app, std::string_view created);
  // Takes note of a record.
  void see(const record::Record& record);

  [[nodiscard]] Place place(std::string_view id) const;
  // The application that it was made for, or has left; "" when that is unknown.
  [[nodiscard]] std::string_view app(std::string_view id) const;
  // Whether it was made less than `longest` ago and has not entered its application.
  [[nodiscard]] bool is_awaited(std::string_view id) const;
  // Calls `done` when none of `ids` is awaited any more, whatever the reason: at once, or from the loop.
  void when_settled(std::vector<std::string> ids, std::function<void()> done);
  // Somebody waits.
  [[nodiscard]] bool is_busy() const { return !waiting_.empty(); }

 private:
  struct Channel {
    bool entering = false;  // else it has left
    std::string app;
    std::string created;
    Milliseconds until{0};  // of the loop's clock
  };
  struct Waiting {
    std::vector<std::string> ids;
    std::function<void()> done;
  };

  // The channel that the event shows, unless it is another one of that id.
  [[nodiscard]] Channel* find_shown(const record::Record& event, std::string& id);
  [[nodiscard]] bool is_settled(const Waiting& waiting) const;
  void settle();

  Loop& loop_;
  StasisEntriesOptions options_;
  Newest<Channel> channels_;  // by id
  std::vector<Waiting> waiting_;
  Timer timer_;
};

// The channels of a command that have to be in Stasis, as Asterisk sees it.
[[nodiscard]] std::vector<std::string> channels_in_stasis(const ari::Operation& operation,
                                                          const JsonValue& params);

// Asterisk refuses because a channel is not in Stasis. It looks for all channels that the command names
// before it does anything: nothing was done (res/ari/resource_channels.c, resource_bridges.c, 16 and 22).
[[nodiscard]] bool is_not_in_stasis(const Error& error);

// Completes such a refusal of a command about `channels`: which it is, in words and as `stasis` in its data:
// "not_yet", "no_longer" or "unknown". `sent` is the model's latest() from when the command was sent.
[[nodiscard]] Error not_in_stasis(Error error, const std::vector<std::string>& channels,
                                  const StasisEntries& entries, const state::Model& model, uint64_t sent);

}  // namespace aribus::pbx
