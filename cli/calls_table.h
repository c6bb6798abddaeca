// The calls and their legs, from the records.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/time.h"
#include "cli/call_rows.h"
#include "json/json.h"
#include "record/call.h"

namespace aribus::cli {

// Fed with the result of `subscribe {snapshot: true}`, the records that follow it, and that of `status`. What
// a call is, the daemon says: an aribusd that does not know calls has channels alone.
class CallsTable {
 public:
  // Starts again from the snapshot.
  void take_snapshot(const JsonValue& snapshot);
  void apply(const JsonValue& record);
  void take_status(const JsonValue& status);

  // The calls with a live leg, and the channels that belong to none.
  [[nodiscard]] std::vector<CallRow> rows() const;
  // Why rows may be old: which Asterisks aribusd has no connection to, since when and why; or "".
  [[nodiscard]] std::string trouble() const;

 private:
  using Key = std::pair<std::string, std::string>;  // server and id
  struct Channel {
    std::string name;
    std::string who;
    std::string connected;
    std::string state;
    std::string made;  // its creationtime
    WallTime began;
    std::string app;
    bool held = false;
  };
  struct Bridge {
    std::string name;
    std::string type;
    std::vector<std::string> channels;
  };
  struct Call {
    std::string server;
    std::string first;  // the channel that it began with
    std::string direction;
    record::Party from;
    record::Party to;
    WallTime started;
    std::optional<WallTime> answered;
    bool complete = true;
  };
  // That a channel is a leg of a call.
  struct Leg {
    std::string call;
    uint64_t place;  // higher than that of those that joined earlier
  };
  struct Ended {
    Key key;
    std::string made;  // its creationtime
    bool operator==(const Ended&) const = default;
  };

  void show_channel(const std::string& server, const JsonValue& channel, WallTime now);
  void show_bridge(const std::string& server, const JsonValue& bridge);
  void show_call(const std::string& server, const JsonValue& call);
  Call* add_call(const std::string& server, std::string_view id, std::string_view first,
                 const JsonValue& shown);
  void join(const std::string& server, std::string_view channel, std::string_view call);
  // Who joins a call, as far as the record says so.
  void take_legs(const std::string& server, const JsonValue& record, std::string_view type);
  void enter(const std::string& server, const JsonValue& record, const JsonValue& channel);
  // A record about a call.
  void take_call(const std::string& server, const JsonValue& record, std::string_view type);
  void forget(const std::string& server, const JsonValue& record, std::string_view member);
  void keep(const std::string& server, const JsonValue& record);
  void show_items(std::string_view of_server, const JsonValue& lists);
  void forget_server(std::string_view server);
  void add_trouble(std::string_view server, std::string sentence);
  [[nodiscard]] LegRow leg_of(const Key& key, const Channel& channel) const;
  [[nodiscard]] CallRow row_of(const std::string& id) const;
  // The bridge that a channel is in, or nullptr.
  [[nodiscard]] const std::pair<const Key, Bridge>* bridge_of(const Key& key) const;
  [[nodiscard]] std::string with_whom(const Key& key, const Channel& channel) const;

  std::map<Key, Channel> channels_;
  std::map<std::string, std::string> trouble_;  // why its rows are old, by the name of the Asterisk
  std::map<Key, Bridge> bridges_;
  std::map<Key, std::string> bridge_of_;  // by channel
  std::unordered_map<std::string, Call> calls_;
  std::map<Key, Leg> legs_;  // by channel
  uint64_t places_ = 0;
  std::deque<Ended> ended_;  // channels about which records may still come
};

}  // namespace aribus::cli
