// Groups with a log and a clock, as the daemon has them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.h"
#include "groups/groups.h"
#include "groups/ownership.h"
#include "record/id_set.h"

namespace aribus::test {

using groups::Connection;
using std::chrono::milliseconds;

// What the log of an earlier process would hold: group records, and what was reported of calls.
struct CallEntered {
  groups::NewCall call;
};
struct CallLeft {
  std::string call;
  std::string app;
  std::vector<std::string> others = {};  // that it is in
};
struct CallEnded {
  std::string call;
};
struct Logged {
  WallTime time;
  std::string call;
  std::variant<record::GroupAssigned, record::GroupAccepted, record::GroupReleased, CallEntered, CallLeft,
               CallEnded>
      what;
};

class Stage {
 public:
  explicit Stage(std::vector<groups::Settings> configured = {}) : configured_(std::move(configured)) {
    start();
  }

  // The daemon starts again, and reads its log, or begins a new one. Connections are gone.
  void restart(bool keeps_log) {
    if (!keeps_log) {
      log.clear();
      owners = groups::Ownerships();
    }
    start();
  }
  // Reads the log, and decides nothing.
  std::unique_ptr<groups::Groups> read_log() const {
    auto read = std::make_unique<groups::Groups>(options());
    read->configure(configured_, now);
    for (const Logged& logged : log) {
      const groups::NewCall of{.id = logged.call, .server = "pbx1", .app = "demo", .entered = logged.time};
      if (const auto* assigned = std::get_if<record::GroupAssigned>(&logged.what))
        read->recall(*assigned, of);
      if (const auto* accepted = std::get_if<record::GroupAccepted>(&logged.what))
        read->recall(*accepted, of);
      if (const auto* released = std::get_if<record::GroupReleased>(&logged.what))
        read->recall(*released, of);
      if (const auto* entered = std::get_if<CallEntered>(&logged.what))
        read->entered(entered->call, logged.time);
      if (const auto* left = std::get_if<CallLeft>(&logged.what))
        read->left(left->call, left->app, left->others, logged.time);
      if (const auto* ended = std::get_if<CallEnded>(&logged.what)) read->ended(ended->call, logged.time);
    }
    return read;
  }

  Result<std::string> join(const groups::Join& join, const std::optional<groups::Settings>& settings = {}) {
    auto name = groups->join(join, settings, now);
    act();
    return name;
  }
  // A connection becomes a member of "ivr".
  std::string join(Connection connection, const std::string& name = "", size_t capacity = SIZE_MAX) {
    auto joined = join({.connection = connection, .group = "ivr", .member = name, .capacity = capacity});
    return joined ? *joined : joined.error().message;
  }
  void leave(Connection connection, bool drain = false, std::optional<milliseconds> timeout = {}) {
    groups->leave(connection, drain, timeout, now);
    act();
  }
  void disconnect(Connection connection) {
    groups->disconnected(connection, now);
    act();
  }
  void alive(Connection connection) {
    groups->alive(connection, now);
    act();
  }
  void enter(const std::string& call, const std::string& key = "", bool recovered = false,
             const std::string& app = "demo") {
    const groups::NewCall entered{
        .id = call, .server = "pbx1", .app = app, .key = key, .entered = now, .recovered = recovered};
    groups->entered(entered, now);
    act();
    log.push_back({now, call, CallEntered{entered}});  // its StasisStart
  }
  void leave_app(const std::string& call, const std::string& app = "demo",
                 const std::vector<std::string>& others = {}) {
    log.push_back({now, call, CallLeft{call, app, others}});
    groups->left(call, app, others, now);
    act();
  }
  void end(const std::string& call) {
    log.push_back({now, call, CallEnded{call}});
    groups->ended(call, now);
    act();
  }
  void retry_fallbacks(const std::string& server) {
    groups->retry_fallbacks(server, now);
    act();
  }
  void start_call(const std::string& call, const std::string& channel) {
    groups->started({.id = call, .server = "pbx1", .app = "demo", .entered = now}, channel, now);
    act();
  }
  bool accept(Connection connection, const std::string& call) {
    const bool accepted = !groups->accept(connection, call, now);
    act();
    return accepted;
  }
  bool decline(Connection connection, const std::string& call) {
    const bool declined = !groups->decline(connection, call, now);
    act();
    return declined;
  }
  std::string hand_over(Connection connection, const std::string& call, const std::string& to) {
    const auto done = groups->hand_over(connection, call, to, now);
    act();
    return done ? "" : done.error().message;
  }
  // A command comes, is sent, and accepted by Asterisk. Returns whether it was let through.
  bool command(Connection connection, const std::string& call, std::optional<uint64_t> epoch = {}) {
    groups->alive(connection, now);
    const bool allowed = !groups->check(connection, call, epoch);
    if (allowed) groups->commanded(connection, call, now);
    if (allowed) groups->carried_out(connection, call, now);
    act();
    return allowed;
  }
  // Lets the time pass, and whatever is due meanwhile happen on time.
  void pass(milliseconds time) {
    const WallTime until = now + time;
    while (groups->next() && *groups->next() <= until) {
      now = std::max(now, *groups->next());
      groups->advance(now);
      act();
    }
    now = until;
  }
  // Lets the time pass while the daemon does nothing.
  void stall(milliseconds time) {
    now += time;
    groups->advance(now);
    act();
  }

  [[nodiscard]] const groups::Call* call(const std::string& id, std::string_view group = "ivr") const {
    const groups::Group* found = groups->find(group);
    return found == nullptr ? nullptr : found->find(id);
  }
  // The owner of a call at present; "": nobody.
  [[nodiscard]] std::string owner(const std::string& id, std::string_view group = "ivr") const {
    const groups::Call* found = call(id, group);
    return found == nullptr || found->owner == nullptr ? "" : found->owner->name;
  }
  [[nodiscard]] std::string owner_at(const std::string& id, uint64_t seq, const std::string& group = "ivr") {
    return std::string(owners.of(group)->owner_at(record::id_hash(record::IdKind::call, id), seq));
  }
  [[nodiscard]] uint64_t seq() const { return log.size(); }
  [[nodiscard]] std::optional<groups::NotOwner> check(Connection connection, const std::string& id,
                                                      std::optional<uint64_t> epoch = {}) const {
    return groups->check(connection, id, epoch);
  }
  // The texts of what has happened since the last call of this: "assigned c1 to w1: new".
  [[nodiscard]] std::vector<std::string> news() { return std::exchange(news_, {}); }

  static constexpr int64_t start_ms = 1'795'384'777'690;
  WallTime now{milliseconds(start_ms)};
  std::unique_ptr<groups::Groups> groups;
  groups::Ownerships owners;
  std::vector<Logged> log;  // the record with `seq` is log[seq - 1]
  std::set<std::string> bridged;
  std::set<std::pair<std::string, std::string>> falling_back;  // group and call
  std::vector<Connection> closed;
  std::vector<Connection> left;

 private:
  groups::GroupsOptions options() const {
    return {.is_bridged = [this](std::string_view call) { return bridged.contains(std::string(call)); }};
  }

  void start() {
    falling_back.clear();
    groups = read_log();
    groups->recalled(now);
    act();
  }

  void act() {
    for (groups::Action& action : groups->take_actions()) {
      std::visit([this](auto& what) { perform(what); }, action.what);
    }
  }
  void perform(record::GroupAssigned& record) {
    owners.learn(record, log.size() + 1);
    news_.push_back("assigned " + record.call + " to " + record.member + ": " + record.reason +
                    (record.previous.empty() ? "" : " after " + record.previous));
    log.push_back({now, record.call, std::move(record)});
  }
  void perform(record::GroupAccepted& record) {
    owners.learn(record);
    news_.push_back("accepted " + record.call + " by " + record.member);
    log.push_back({now, record.call, std::move(record)});
  }
  void perform(record::GroupReleased& record) {
    owners.learn(record, log.size() + 1);
    news_.push_back("released " + record.call + (record.member.empty() ? "" : " from " + record.member) +
                    ": " + record.reason);
    log.push_back({now, record.call, std::move(record)});
  }
  void perform(groups::RunFallback& fallback) {
    falling_back.emplace(fallback.group, fallback.call);
    news_.push_back("fallback " + fallback.call);
  }
  void perform(groups::CloseConnection& close) {
    closed.push_back(close.connection);
    news_.push_back("close " + std::to_string(close.connection));
  }
  void perform(groups::MemberLeft& member) {
    left.push_back(member.connection);
    news_.push_back("left " + member.member);
  }

  std::vector<groups::Settings> configured_;
  std::vector<std::string> news_;
};

// A group with a fallback.
inline groups::Settings ivr() {
  groups::Settings settings;
  settings.name = "ivr";
  settings.apps = {"demo"};
  settings.fallback = groups::Fallback::continue_;
  return settings;
}
inline groups::Settings ivr_with(const std::function<void(groups::Settings&)>& change) {
  groups::Settings settings = ivr();
  change(settings);
  return settings;
}

}  // namespace aribus::test
