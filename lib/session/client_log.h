// Remembers programs that have disconnected, and logs what happens to programs.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "protocol/line_limit.h"
#include "session/client_info.h"

namespace aribus::session {

// For each cause and user it logs a few lines per minute and counts the rest, so that programs that connect
// in a loop do not fill the journal. Belongs to the loop's thread.
class ClientLog {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // `now` is for tests.
  explicit ClientLog(std::function<Time()> now = std::chrono::steady_clock::now) : now_(std::move(now)) {}

  void connected(const ClientInfo& client) const;
  // A connection has ended because of `reason`; `cut`: the daemon ended it.
  void left(ClientInfo client, std::string reason, bool cut);
  // A connection was turned away. Its rule may be missing.
  void turned_away(const control::Caller& caller, const Error& why);
  // A request was refused, with not_allowed or too_much.
  void refused(const control::Caller& caller, const Error& why);

  // Whether a connection that has lost `lost` records so far has lost some since the last log line about it.
  [[nodiscard]] bool is_news(uint64_t connection, uint64_t lost) const;
  // Begins or continues an episode of losses; it ends when nothing is lost for a minute.
  void losing(const ClientInfo& client);

  // Logs episodes that are over and the number of lines left out. Call it every few seconds.
  void tick();

  // The latest connections that have ended, in the order of their ends: at most 40 that lost records or were
  // disconnected, 20 that were turned away, and 40 others that subscribed, changed something or sent more
  // than a few requests.
  [[nodiscard]] std::vector<ClientThatLeft> left() const;

 private:
  enum class Cause : uint8_t { turned_away, not_allowed, too_much, cut, lost };
  enum class Kind : uint8_t { ordinary, harmed, turned_away };  // each has its own list
  static constexpr size_t max_left[] = {40, 40, 20};
  static constexpr uint64_t lines_a_minute = 5;
  struct Left {
    ClientInfo client;
    WallTime until;
    std::string reason;
    uint64_t number;  // counts them, in the order of their ends
  };
  struct Episode {
    control::Caller caller;
    WallTime began;
    uint64_t before = 0;  // records that were lost in earlier ones
    uint64_t lost = 0;
    Time latest;
  };

  [[nodiscard]] bool admit(Cause cause, const control::Caller& caller);
  void remember(ClientInfo client, std::string reason, Kind kind);

  std::function<Time()> now_;
  LineLimit<std::pair<Cause, control::PrincipalId>> limit_{lines_a_minute, std::chrono::seconds(60)};
  std::map<uint64_t, Episode> episodes_;  // by connection
  std::map<uint64_t, uint64_t> told_;     // records lost, by connection, in episodes that are over
  uint64_t next_number_ = 0;
  std::deque<Left> left_[3];  // by kind
};

}  // namespace aribus::session
