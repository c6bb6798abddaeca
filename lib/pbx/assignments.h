// What connects worker groups (lib/groups) with the Asterisks, the programs, the log and the clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/newest.h"
#include "base/result.h"
#include "base/time.h"
#include "groups/groups.h"
#include "groups/ownership.h"
#include "net/loop.h"
#include "pbx/clock.h"
#include "record/record.h"
#include "state/objects.h"

namespace aribus::pbx {

class Server;

// What a member that gets a call later can't see in its live objects.
struct CallBeginning {
  std::string channel;                // that entered the application
  std::string args = "[]";            // of its StasisStart, as JSON
  std::vector<std::string> commands;  // methods of commands about the call that are not answered yet
};

// Assigns the calls of all Asterisks to the members of groups.
//
// Servers report each record just before and just after they append it; sessions report what programs do, and
// the dispatcher asks whether a command may be sent. groups::Groups decides, and its actions are carried out
// in the same turn, records first: not while a part of a server learns from a record, but just after it (see
// Hold). Nothing costs anything until there is a group. Lives on the loop's thread, as long as its servers.
class Assignments {
 public:
  struct Handlers {
    std::function<uint64_t()> next_seq;   // of the next record to be appended
    std::function<uint64_t()> first_seq;  // of the oldest one kept
    // Carries out the fallback of `settings`, with an Asterisk that is connected. `failed` is called, once,
    // if the call is still there afterwards.
    std::function<void(Server&, const groups::Settings& settings, const std::string& call,
                       std::function<void()> failed)>
        fall_back = [](Server&, const groups::Settings&, const std::string&, const std::function<void()>&) {};
    // Another connection is the member now: to be told and closed.
    std::function<void(groups::Connection, const std::string& group, const std::string& member)> displaced =
        [](groups::Connection, const std::string&, const std::string&) {};
    // Its group.leave is done.
    std::function<void(groups::Connection)> left = [](groups::Connection) {};
  };

  Assignments(Loop& loop, Handlers handlers, Clock clock = {});
  Assignments(const Assignments&) = delete;
  Assignments& operator=(const Assignments&) = delete;

  void add(Server& server);
  void remove(const Server& server);

  // There is a group. Servers and the dispatcher ask this first.
  [[nodiscard]] bool is_in_use() const { return groups_.is_in_use(); }
  [[nodiscard]] const groups::Groups& groups() const { return groups_; }
  [[nodiscard]] WallTime now() const;
  void configure(std::vector<groups::Settings> configured);
  // The daemon stops. Connections that end from now on release nothing: their programs find their calls again.
  void stop();

  // While one lives, actions wait: a part of a server learns from a record, and nothing may be appended.
  class Hold {
   public:
    explicit Hold(Assignments& assignments) : assignments_(assignments) { ++assignments_.holds_; }
    ~Hold() { --assignments_.holds_; }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    Assignments& assignments_;
  };

  // `record`, with the ids of its calls, is about to be appended, behind `before`, which it begins. What is
  // decided about its calls is appended first.
  void see_before(Server& server, const std::vector<record::Record>& before, const record::Record& record);
  // It was appended, and `after`, which it ends.
  void see_after(Server& server, const record::Record& record, const std::vector<record::Record>& after);
  // The live calls of the Asterisk are about to become known.
  void connected(const Server& server);
  // They are known. Of the calls that an earlier process had, those that are not among them have ended. Fallbacks
  // that waited for the Asterisk are carried out.
  void ready(const Server& server);

  // A record of an earlier process, by its seq, when its server has taken it; then recalled(), once, also
  // where the log is new.
  void recall(Server& server, const record::Record& record, uint64_t seq);
  void recall_ended(const std::vector<record::Record>& ended);  // calls that ended with that process
  void recalled();

  // See groups::Groups.
  [[nodiscard]] Result<std::string> join(const groups::Join& join, const std::optional<groups::Settings>& settings);
  void leave(groups::Connection connection, bool drain, std::optional<groups::milliseconds> timeout);
  void disconnected(groups::Connection connection);
  void alive(groups::Connection connection);
  void originating(groups::Connection connection, const Server& server, std::string_view channel);
  void not_originated(const Server& server, std::string_view channel);
  [[nodiscard]] Result<void> accept(groups::Connection connection, std::string_view call,
                                    std::optional<uint64_t> epoch);
  [[nodiscard]] Result<void> decline(groups::Connection connection, std::string_view call,
                                     std::optional<uint64_t> epoch);
  [[nodiscard]] Result<void> hand_over(groups::Connection connection, std::string_view call, std::string_view to,
                                       std::optional<uint64_t> epoch);

  // Whether a command about these calls and bridges may be sent. All of its calls must be the member's; the
  // epoch is that of one of them. Errors: not_owner.
  struct Concerned {
    std::vector<std::string> calls;
    std::vector<std::string> bridges;
  };
  [[nodiscard]] Result<void> check(const Server& server, groups::Connection connection, const Concerned& about,
                                   std::optional<uint64_t> epoch) const;
  // The same for a command that may wait before it is sent: whether it may still be sent then. The calls that
  // belong to the connection now must do so then, with the same epochs, also if the connection has ended
  // meanwhile.
  [[nodiscard]] std::function<Result<void>()> check_again(const Server& server, groups::Connection connection,
                                                          Concerned about,
                                                          std::optional<uint64_t> epoch) const;
  // It is being sent; the number, or 0, is for accepted(), which comes once Asterisk has accepted it, and
  // answered().
  uint64_t commanded(groups::Connection connection, const Concerned& about, const std::string& method);
  void accepted(uint64_t command);
  void answered(uint64_t command);
  // A command of the connection has created the bridge.
  void created_bridge(const Server& server, groups::Connection connection, const std::string& bridge);

  [[nodiscard]] std::shared_ptr<const groups::Ownership> ownership(const std::string& group) {
    return ownerships_.of(group);
  }
  [[nodiscard]] std::vector<groups::Owned> calls_of(groups::Connection connection) const {
    return groups_.calls_of(connection);
  }
  // `app`: of a group that has the call.
  [[nodiscard]] CallBeginning beginning_of(std::string_view call, std::string_view app) const;
  // nullptr: the call is not live.
  [[nodiscard]] Server* server_of(std::string_view call) const;

 private:
  struct Command {
    groups::Connection connection;
    std::vector<std::string> calls;
    std::string method;
    bool accepted = false;
  };
  // How a call came to its applications.
  struct Beginning {
    struct Entry {
      std::string app;
      std::string channel;
      std::string args = "[]";
    };
    std::vector<Entry> entries;         // one of each application that it is in
    std::vector<std::string> commands;  // see CallBeginning
  };

  void act();
  void act_unless_held() {
    if (holds_ == 0) act();
  }
  void act_on(const groups::Action& action);
  template <typename Own>
  void publish(const groups::Action& action, const Own& own);
  void fall_back(const std::string& server, const groups::RunFallback& fallback);
  void schedule();
  void see_started(Server& server, const record::Record& started, WallTime time);
  void note_beginning(const std::string& call, std::string_view channel, const std::string& app,
                      std::string_view args);
  void see_entered(const Server& server, const record::Record& start, WallTime time);
  void see_found(const Server& server, const record::Record& changed, WallTime time);
  [[nodiscard]] bool is_recovered(const Server& server, WallTime time);
  [[nodiscard]] bool is_known(const Server& server) const;
  void become_known(const Server& server);
  void take_found(const Server& server, const std::string& id, const state::Object& channel, WallTime time);
  void find_calls_of(const std::string& group, WallTime time);
  void see_left(const Server& server, const record::Record& end, WallTime time);
  void note_found_left(const Server& server, const record::Record& end);
  void see_found_left(WallTime time);
  void leave_if_out(const Server& server, std::string_view channel, const std::string& app, WallTime time);
  void see_ended(const record::Record& ended, WallTime time);
  [[nodiscard]] Result<void> check_own(groups::Connection connection, std::string_view call,
                                       std::optional<uint64_t> epoch) const;
  [[nodiscard]] Result<void> check_call(groups::Connection connection, std::string_view call,
                                        std::optional<uint64_t> epoch) const;
  [[nodiscard]] Server* find_server(std::string_view name) const;
  [[nodiscard]] bool is_bridged(std::string_view call) const;
  [[nodiscard]] std::vector<std::string> calls_in_bridge(const Server& server, std::string_view bridge) const;

  Handlers handlers_;
  Clock clock_;
  WallTime start_wall_;
  std::chrono::steady_clock::time_point start_monotonic_;
  std::vector<Server*> servers_;
  groups::Groups groups_;
  groups::Ownerships ownerships_;
  Timer timer_;
  struct FoundLeft {
    std::string server;
    std::string channel;
    std::string app;
  };
  std::vector<FoundLeft> found_left_;
  Timer found_left_timer_;
  std::optional<WallTime> armed_;  // when the timer is due
  size_t holds_ = 0;
  bool acting_ = false;
  bool stopped_ = false;
  std::vector<std::string> ready_;  // servers whose live calls were known before
  std::unordered_map<std::string, Beginning, TextHash, std::equal_to<>> beginnings_;  // by call
  std::unordered_map<uint64_t, Command> commands_;  // under way, about calls of groups
  uint64_t next_command_ = 1;
  static constexpr size_t max_bridges = 10'000;
  Newest<std::pair<std::string, std::string>> bridges_{max_bridges};  // group and member that created them
};

}  // namespace aribus::pbx
