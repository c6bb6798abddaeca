// The calls as a table: who, with whom, how long, in which state.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "cli/output.h"

namespace aribus::cli {

// Fed with the result of `subscribe {snapshot: true}` and the records that follow it.
class CallsTable {
 public:
  // Begins anew with the snapshot.
  void take_snapshot(const JsonValue& snapshot);
  void apply(const JsonValue& record);

  [[nodiscard]] size_t size() const { return channels_.size(); }
  // A line with the columns' names, and one for each channel, the oldest first, at most `lines` of them in
  // all and `columns` characters wide; what has no room is counted in the last one.
  [[nodiscard]] std::vector<Text> lines(WallTime now, size_t lines, size_t columns) const;

 private:
  using Key = std::pair<std::string, std::string>;  // server and id
  struct Channel {
    Json shown;
    WallTime began;
    std::string app;
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
  [[nodiscard]] std::string with_whom(const Key& key, const Channel& channel) const;

  std::map<Key, Channel> channels_;
  std::map<Key, std::vector<std::string>> bridges_;  // their channels
  std::map<Key, std::string> bridge_of_;             // by channel
  std::deque<Ended> ended_;                          // channels, of which something may be told yet
};

}  // namespace aribus::cli
