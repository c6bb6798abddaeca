// A readable view of the stream: one line per event of a call.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "cli/daemon_records.h"
#include "cli/output.h"
#include "json/json.h"

namespace aribus::cli {

// Turns records into lines, remembering for each channel who it is and since when:
//   18:15:09.695Z  #1 Alice <100>                enters demo (inbound, 100)  1795384777.12
// which is the time of day in UTC, who, what, and the id for commands.
class CallView {
 public:
  // With `all`, records that say nothing to a person have a line, too: with their type.
  explicit CallView(bool all) : all_(all) {}

  // The line for one record, and before it the date where it is another than that of the line before. None:
  // the record has no line.
  [[nodiscard]] std::vector<Text> lines(const JsonValue& record);

 private:
  // A channel, or both halves of a Local channel.
  struct Call {
    unsigned number = 0;  // 1 for the first one seen, …
    WallTime began;
    std::string who;
    bool has_first_half = false;  // of a Local channel: ;1
    std::string told_by_second;   // the state that ;2 reported before ;1 was seen
  };
  using Key = std::pair<std::string, std::string>;  // server, and id or name
  struct Line {
    std::string who;
    Text what;
    std::string ids;  // to name in commands, or ""
  };

  [[nodiscard]] Line line_of(const JsonValue& record, WallTime now);
  [[nodiscard]] Line call_line(const JsonValue& record, std::string_view type);
  [[nodiscard]] Line channel_line(const JsonValue& record, const JsonValue& channel, WallTime now);
  std::shared_ptr<Call> call_of(const std::string& server, const JsonValue& channel, WallTime now);
  // The channel that a target_uri, "channel:ID", names: who it is, and its id. Of others the URI itself.
  [[nodiscard]] std::pair<std::string, std::string> target(const std::string& server,
                                                           std::string_view uri) const;

  bool all_;
  unsigned seen_ = 0;
  std::string date_;                            // of the last line
  std::map<Key, std::shared_ptr<Call>> calls_;  // by the channel's id
  std::map<Key, std::weak_ptr<Call>> locals_;   // by the common part of the names of a Local channel's halves
  std::map<std::string, std::string> whose_;    // who began a call, by its id
  DaemonRecords daemon_records_;
};

}  // namespace aribus::cli
