// Worker groups: each call to one program at a time.
//
// Programs that share the work are members of a group. A call that enters an application of the group is
// offered to the member with the fewest calls that has room; it owns the call from then on, and accepts it
// within `accept`, or the next member gets the offer. Whatever takes a call from its owner (it dies, hangs,
// leaves, declines) makes the call wait, and every waiting call goes to a member as soon as one has room. A
// new call that waits too long falls back.
//
// Nothing here knows sockets or clocks. Everything is a function call with ids and the time, and what is to
// be done comes out as actions. Most are records: who owns which call at which `seq` is only what the records
// group.assigned and group.released in the log say. Ownership learns from them, whether this process has
// written them or an earlier one. A call in a group has one owner or none: `assigned` is never without a
// `released` before it when there was one, and `epoch` grows with each.
//
//   Groups     all groups, who sits in which and which calls are in which: the interface of this folder
//   Group      one of them: its members and calls; settle() gives waiting calls to members, in order
//   Call       a call in one group: waiting, offered, accepted, …
//   Member     a member of one group: its calls, its signs of life
//   Ownership  who owned which call when, for readers of the log
#pragma once

#include <functional>
#include <map>
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
#include "groups/actions.h"
#include "groups/deadlines.h"
#include "groups/group.h"
#include "groups/settings.h"

namespace aribus::groups {

struct GroupsOptions {
  // Whether a channel of the call is in a bridge with another live channel: the daemon does not touch it.
  std::function<bool(std::string_view call)> is_bridged;
  size_t max_groups = 1000;  // that are not configured
};

// Who owns a call, for the error -32006.
struct NotOwner {
  std::string group;
  std::string owner;  // "": nobody in the group
  uint64_t epoch = 0;
};

// A call of a member.
struct Owned {
  std::string call;
  std::string app;
  uint64_t epoch = 0;
  bool accepted = false;
  std::string previous;
};

// `now` is the time of day without jumps: that of the start, and what a monotonic clock has measured since.
// It never goes back; in each function that takes it, what is due by then happens first. After each of them
// the caller takes the actions and does them in order, in the same turn; the records among them go to the
// log, and to Ownerships, before any other. Then it sets its timer to next(). Connections and calls that are
// unknown are ignored: every connection and every call may be reported. The memory is that of the connections
// and of the live calls of the groups.
class Groups {
 public:
  explicit Groups(GroupsOptions options);

  // The groups of the configuration, at the start and after a reload; others are those of their members.
  // Required: mistake_in() finds nothing in them.
  void configure(std::vector<Settings> configured, WallTime now);
  // nullptr: there is no such group.
  [[nodiscard]] const Settings* settings(std::string_view group) const;
  [[nodiscard]] bool is_in_use() const { return !groups_.empty(); }
  // There is a group of this application.
  [[nodiscard]] bool takes_calls_of(std::string_view app) const { return by_app_.contains(app); }

  // The connection becomes a member, and its name is returned; unnamed ones get one that begins with "~". A
  // connection of the same name is closed, and its calls are this one's. The connection leaves the group that
  // it was in; if it was this very member, it stays it, with its calls. `settings`: for a group that does not
  // exist yet, and to be compared with those of one that does; nothing: as they are. Errors: invalid_params
  // (a name, or other settings than the group has), too_much.
  [[nodiscard]] Result<std::string> join(const Join& join, const std::optional<Settings>& settings,
                                         WallTime now);
  // `group.leave`, `unsubscribe`. `drain`: no more offers, and when the calls have ended, or after `timeout`,
  // MemberLeft. Otherwise others get the calls at once.
  void leave(Connection connection, bool drain, std::optional<milliseconds> timeout, WallTime now);
  // It has ended.
  void disconnected(Connection connection, WallTime now);
  // It has sent a request, whatever it is.
  void alive(Connection connection, WallTime now);

  // A call begins with this channel: before its call.started. It is assigned here if a member has created it.
  void started(const NewCall& call, std::string_view channel, WallTime now);
  // It enters an application: before its StasisStart. It is assigned here if it is new to a group and
  // somebody has room.
  void entered(const NewCall& call, WallTime now);
  // None of its channels is in the application any more; after StasisEnd. `others`: the applications that
  // some are in.
  void left(std::string_view call, std::string_view app, const std::vector<std::string>& others,
            WallTime now);
  // After its call.ended.
  void ended(std::string_view call, WallTime now);

  // A command of the connection is about to create a channel. Nothing happens unless it is a member.
  void originating(Connection connection, std::string_view server, std::string_view channel);
  // It did not.
  void not_originated(std::string_view server, std::string_view channel);

  // Whether the call belongs to the connection in its own group, with this epoch if one is named; other
  // groups have no say.
  [[nodiscard]] std::optional<NotOwner> check_own(Connection connection, std::string_view call,
                                                  std::optional<uint64_t> epoch) const;
  // The epoch of a call that belongs to the connection; nothing: it does not.
  [[nodiscard]] std::optional<uint64_t> epoch_of(Connection connection, std::string_view call) const;
  // Errors: NotOwner, also where the call is in no group of the connection.
  [[nodiscard]] std::optional<NotOwner> accept(Connection connection, std::string_view call, WallTime now);
  [[nodiscard]] std::optional<NotOwner> decline(Connection connection, std::string_view call, WallTime now);
  // `to` is to accept the call as any other. It may be full. Errors: invalid_params (no such member, or it
  // takes no calls); required: check() allows it.
  [[nodiscard]] Result<void> hand_over(Connection connection, std::string_view call, std::string_view to,
                                       WallTime now);

  // Whether a command about the call may be sent: to be asked when it comes, and again just before it is
  // sent. A member must own it, with this epoch if the command names one. Others may not touch calls of
  // exclusive groups, and an epoch that they name must be that of one of the call's groups: who was a member
  // before has an old one.
  [[nodiscard]] std::optional<NotOwner> check(Connection connection, std::string_view call,
                                              std::optional<uint64_t> epoch) const;
  // The same for a command about a bridge with channels of these calls: a member must own one of them, if
  // there are any of its group. Who created the bridge may act on it in any case; that is for the caller to
  // know.
  [[nodiscard]] std::optional<NotOwner> check_bridge(Connection connection,
                                                     const std::vector<std::string_view>& calls) const;
  // A command about the call was let through and is being sent: the owner has accepted the call by it.
  void commanded(Connection connection, std::string_view call, WallTime now);
  // Asterisk has accepted the command: a program outside a group has taken a call that belongs to nobody
  // there.
  void carried_out(Connection connection, std::string_view call, WallTime now);

  // The daemon could not carry out the fallback: RunFallback comes again in a second, or when no channel of
  // the call is in a bridge with another live channel.
  void fallback_failed(std::string_view group, std::string_view call, WallTime now);

  // The Asterisk is there again: those that failed are not waited for any longer.
  void retry_fallbacks(std::string_view server, WallTime now);

  // When advance() is to be called; nothing: only after something else happened.
  [[nodiscard]] std::optional<WallTime> next() const { return due_.next(); }
  void advance(WallTime now) { set_now(now); }

  // The start. After configure(), what the log holds of an earlier process comes to these in its order, with
  // the time of the record in `call.entered`; and what would be reported to entered(), left() and ended()
  // goes there, with `now` as the record's time. Nothing is decided until recalled(), which is called once,
  // also where the log is new, and before anybody joins.
  void recall(const record::GroupAssigned& record, const NewCall& call);
  void recall(const record::GroupAccepted& record, const NewCall& call);
  void recall(const record::GroupReleased& record, const NewCall& call);
  void recalled(WallTime now);
  // For 2 s members may say what they own: `Join::holds`. After recalled(), and when the live calls of an
  // Asterisk are known for the first time, just before they come to entered() as `recovered`.
  void expect_holds(WallTime now);
  [[nodiscard]] bool expects_holds(WallTime now) const { return now < context_.holds_until; }

  [[nodiscard]] bool has_actions() const { return !context_.actions.empty(); }
  [[nodiscard]] std::vector<Action> take_actions() { return std::exchange(context_.actions, {}); }

  // Whether the call is in a group.
  [[nodiscard]] bool knows(std::string_view call) const { return by_call_.contains(call); }
  // The calls of the member, the oldest first; nothing if it is none.
  [[nodiscard]] std::vector<Owned> calls_of(Connection connection) const;
  // The group's name and the member's; nothing if it is none.
  [[nodiscard]] std::optional<std::pair<std::string, std::string>> member_of(Connection connection) const;
  // By name.
  [[nodiscard]] std::map<std::string, Stats> stats(WallTime now) const;
  // In the order of their names.
  [[nodiscard]] std::vector<const Group*> all() const;
  // nullptr: there is none of that name.
  [[nodiscard]] const Group* find(std::string_view group) const;

 private:
  static constexpr size_t max_originates = 4096;
  struct Originator {
    std::string group;
    std::string member;
  };

  [[nodiscard]] Group* group(std::string_view name);
  Group& add(Settings settings);
  void set_apps(Group& group, Settings settings);
  void set_now(WallTime now);
  void finish(Group& group);
  void note(std::string_view call, Group& group);
  [[nodiscard]] const Context::Seat* seat(Connection connection) const;
  [[nodiscard]] Call* owned(Connection connection, std::string_view call, std::optional<NotOwner>& error);
  [[nodiscard]] static NotOwner not_owner(const Group& group, const Call* call);
  Group& group_to_recall(const std::string& name, WallTime time);

  Context context_;
  size_t max_groups_;
  std::unordered_map<std::string, std::unique_ptr<Group>, TextHash, std::equal_to<>> groups_;
  std::unordered_map<std::string, std::vector<Group*>, TextHash, std::equal_to<>> by_app_;
  std::unordered_map<std::string, std::vector<Group*>, TextHash, std::equal_to<>> by_call_;
  Newest<Originator> originates_{max_originates};  // by server and channel
  Deadlines<Group> due_;
  uint64_t numbers_ = 0;
};

}  // namespace aribus::groups
