// The calls, from the records: parties, times and states.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "cli/call_rows.h"
#include "json/json.h"

namespace aribus::cli {

// Fed with the result of `subscribe {snapshot: true}`, the records that follow it, and that of `status`.
class CallsTable {
 public:
  // Starts again from the snapshot.
  void take_snapshot(const JsonValue& snapshot);
  void apply(const JsonValue& record);
  void take_status(const JsonValue& status);

  // One row for each channel, or for both halves of a Local channel, the oldest first.
  [[nodiscard]] std::vector<CallRow> rows() const;
  // Why rows may be old: which Asterisks aribusd has no connection to, since when and why; or "".
  [[nodiscard]] std::string trouble() const;

 private:
  using Key = std::pair<std::string, std::string>;  // server and id
  struct Channel {
    Json shown;
    WallTime began;
    std::string app;
  };
  struct Bridge {
    std::string name;
    std::string type;
    std::vector<std::string> channels;
  };
  struct Ended {
    Key key;
    std::string made;  // its creationtime
    bool operator==(const Ended&) const = default;
  };

  void show_channel(const std::string& server, const JsonValue& channel, WallTime now);
  void show_bridge(const std::string& server, const JsonValue& bridge);
  void forget(const std::string& server, const JsonValue& record, std::string_view member);
  void keep(const std::string& server, const JsonValue& record);
  void show_items(std::string_view of_server, const JsonValue& lists);
  void forget_server(std::string_view server);
  void add_trouble(std::string_view server, std::string sentence);
  [[nodiscard]] CallRow row_of(const Key& key, const Channel& channel) const;
  // The bridge that a channel is in, or nullptr.
  [[nodiscard]] const std::pair<const Key, Bridge>* bridge_of(const Key& key) const;
  // `half`: the id of its other half, if it is one of a Local channel, else "".
  [[nodiscard]] std::string with_whom(const Key& key, const Channel& channel, std::string_view half) const;

  std::map<Key, Channel> channels_;
  std::map<std::string, std::string> trouble_;  // why its rows are old, by the name of the Asterisk
  std::map<Key, Bridge> bridges_;
  std::map<Key, std::string> bridge_of_;  // by channel
  std::deque<Ended> ended_;               // channels about which records may still come
};

}  // namespace aribus::cli
