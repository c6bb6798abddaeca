// The records that the daemon makes itself: what is not an event of ARI. Each type is one struct, from which
// come its text, its schema and its place in the list of types.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/time.h"
#include "json/described.h"
#include "record/call.h"
#include "record/record.h"

namespace aribus::record {

// A message of Asterisk that is no event, or a record too large for the ring.
struct Malformed {
  static constexpr std::string_view type = "Malformed";
  std::string invalid;              // why
  std::optional<std::string> text;  // its beginning
  uint64_t bytes = 0;               // of the whole
  static constexpr auto members =
      std::tuple(member("invalid", &Malformed::invalid), member("text", &Malformed::text),
                 member("bytes", &Malformed::bytes));
};

// What became of a command that got no answer. The record's ids name what the command was to make.
struct CommandResolved {
  static constexpr std::string_view type = "command.resolved";
  static constexpr std::string_view outcomes[] = {"done", "not_done", "unknown"};
  std::string command;
  std::string method;
  std::string outcome;  // one of `outcomes`
  std::optional<bool> exists;
  std::string reason;
  static constexpr auto members =
      std::tuple(member("command", &CommandResolved::command), member("method", &CommandResolved::method),
                 member("outcome", &CommandResolved::outcome).known_values(outcomes),
                 member("exists", &CommandResolved::exists), member("reason", &CommandResolved::reason));
};

// `startup_time` is Asterisk's, as it writes it.
struct ServerConnected {
  static constexpr std::string_view type = "server.connected";
  std::string version;
  std::string startup_time;
  static constexpr auto members = std::tuple(member("version", &ServerConnected::version),
                                             member("startup_time", &ServerConnected::startup_time));
};

struct ServerDisconnected {
  static constexpr std::string_view type = "server.disconnected";
  std::string reason;
  std::optional<std::string> startup_time;  // there when all of its events were read
  static constexpr auto members = std::tuple(member("reason", &ServerDisconnected::reason),
                                             member("startup_time", &ServerDisconnected::startup_time));
};

// Events between the two times may be missing.
struct ServerGap {
  static constexpr std::string_view type = "server.gap";
  WallTime from;
  WallTime to;
  std::string reason;
  static constexpr auto members = std::tuple(member("from", &ServerGap::from), member("to", &ServerGap::to),
                                             member("reason", &ServerGap::reason));
};

// An Asterisk was taken out of the configuration.
struct ServerRemoved {
  static constexpr std::string_view type = "server.removed";
  static constexpr auto members = std::tuple();
};

// Another client has taken over the record's application.
struct ServerReplaced {
  static constexpr std::string_view type = "server.replaced";
  static constexpr auto members = std::tuple();
};

// The live objects are those of Asterisk again: the record's ids. How many appeared, changed and disappeared.
struct ServerResynced {
  static constexpr std::string_view type = "server.resynced";
  uint64_t came = 0;
  uint64_t changed = 0;
  uint64_t ended = 0;
  static constexpr auto members =
      std::tuple(member("came", &ServerResynced::came), member("changed", &ServerResynced::changed),
                 member("ended", &ServerResynced::ended));
};

// Objects that changed without an event: lists of them, by kind, as in state.*.
struct StateChanged {
  static constexpr std::string_view type = "state.changed";
  JsonText<AnyJson> objects;
  static constexpr auto members = std::tuple(member("objects", &StateChanged::objects));
};

// Asterisk reports no more about the record's ids.
struct StateGone {
  static constexpr std::string_view type = "state.gone";
  static constexpr auto members = std::tuple();
};

// The record's channel is the first one of the call in `calls`.
struct CallStarted {
  static constexpr std::string_view type = "call.started";
  std::string direction;  // one of call_directions
  Party from;
  Party to;
  WallTime started;  // the channel's creation
  bool complete = true;
  static constexpr auto members =
      std::tuple(member("direction", &CallStarted::direction).one_of(call_directions),
                 member("from", &CallStarted::from), member("to", &CallStarted::to),
                 member("started", &CallStarted::started), member("complete", &CallStarted::complete));
};

// The first channel of the call was answered.
struct CallAnswered {
  static constexpr std::string_view type = "call.answered";
  WallTime answered;
  uint64_t ring_ms = 0;
  static constexpr auto members =
      std::tuple(member("answered", &CallAnswered::answered), member("ring_ms", &CallAnswered::ring_ms));
};

// Asterisk reports no channel of the call any more. The record's channels are its legs.
struct CallEnded {
  static constexpr std::string_view type = "call.ended";
  static constexpr std::string_view ways[] = {"ended", "left"};
  std::string direction;  // one of call_directions
  Party from;
  Party to;
  std::vector<std::string> apps;
  WallTime started;
  std::optional<WallTime> answered;
  WallTime ended;
  std::string how;  // one of `ways`
  bool complete = true;
  uint64_t ring_ms = 0;           // until it was answered, or until its end
  uint64_t talk_ms = 0;           // from the answer until the end
  uint64_t hold_ms = 0;           // during which at least one leg was on hold
  std::optional<uint64_t> cause;  // why its first leg ended, or the one that this forwarded an outbound call to
  std::optional<std::string> cause_txt;
  std::vector<CallLeg> legs;
  std::optional<uint64_t> legs_left_out;
  std::vector<CallTransfer> transfers;
  std::vector<CallRecording> recorded;
  static constexpr auto members = std::tuple(
      member("direction", &CallEnded::direction).one_of(call_directions), member("from", &CallEnded::from),
      member("to", &CallEnded::to), member("apps", &CallEnded::apps), member("started", &CallEnded::started),
      member("answered", &CallEnded::answered), member("ended", &CallEnded::ended),
      member("how", &CallEnded::how).one_of(ways), member("complete", &CallEnded::complete),
      member("ring_ms", &CallEnded::ring_ms), member("talk_ms", &CallEnded::talk_ms),
      member("hold_ms", &CallEnded::hold_ms), member("cause", &CallEnded::cause),
      member("cause_txt", &CallEnded::cause_txt), member("legs", &CallEnded::legs),
      member("legs_left_out", &CallEnded::legs_left_out), member("transfers", &CallEnded::transfers),
      member("recorded", &CallEnded::recorded));
};

// A call belongs to a member of a group from this record on. The record's call is `call`.
struct GroupAssigned {
  static constexpr std::string_view type = "group.assigned";
  static constexpr std::string_view reasons[] = {"new",         "passed_on",  "taken_over",
                                                 "handed_over", "originated", "held"};
  std::string group;
  std::string call;
  std::string member;
  uint64_t epoch = 0;    // grows with each assignment of the call in this group
  std::string reason;    // one of `reasons`
  std::string previous;  // the member that had it last; "" for none
  static constexpr auto members = std::tuple(
      aribus::member("group", &GroupAssigned::group), aribus::member("call", &GroupAssigned::call),
      aribus::member("member", &GroupAssigned::member), aribus::member("epoch", &GroupAssigned::epoch),
      aribus::member("reason", &GroupAssigned::reason).known_values(reasons),
      aribus::member("previous", &GroupAssigned::previous));
};

// The member has accepted the call that it was offered.
struct GroupAccepted {
  static constexpr std::string_view type = "group.accepted";
  std::string group;
  std::string call;
  std::string member;
  uint64_t epoch = 0;
  static constexpr auto members = std::tuple(
      aribus::member("group", &GroupAccepted::group), aribus::member("call", &GroupAccepted::call),
      aribus::member("member", &GroupAccepted::member), aribus::member("epoch", &GroupAccepted::epoch));
};

// The call belongs to the member up to this record, and to nobody of the group after it.
struct GroupReleased {
  static constexpr std::string_view type = "group.released";
  static constexpr std::string_view reasons[] = {"ended",        "left",    "declined",    "unanswered",
                                                 "disconnected", "lease",   "member_left", "handed_over",
                                                 "displaced",    "outside", "fallback"};
  std::string group;
  std::string call;
  std::string member;  // "": it belonged to nobody
  uint64_t epoch = 0;  // that of the member; 0 if it was never assigned
  std::string reason;  // one of `reasons`
  static constexpr auto members = std::tuple(
      aribus::member("group", &GroupReleased::group), aribus::member("call", &GroupReleased::call),
      aribus::member("member", &GroupReleased::member), aribus::member("epoch", &GroupReleased::epoch),
      aribus::member("reason", &GroupReleased::reason).known_values(reasons));
};

// All of them, in the order of their names. own_record() takes no others.
using OwnRecords = std::tuple<Malformed, CallAnswered, CallEnded, CallStarted, CommandResolved, GroupAccepted,
                              GroupAssigned, GroupReleased, ServerConnected, ServerDisconnected, ServerGap,
                              ServerRemoved, ServerReplaced, ServerResynced, StateChanged, StateGone>;

template <typename Type, typename Tuple>
inline constexpr bool is_in = false;
template <typename Type, typename... Types>
inline constexpr bool is_in<Type, std::tuple<Types...>> = (std::same_as<Type, Types> || ...);
template <typename Type>
concept OwnRecord = is_in<Type, OwnRecords>;

// What is known of one of them without its struct.
struct OwnType {
  std::string_view name;
  std::string (*schema)();  // of what follows the ids, with the type
};
[[nodiscard]] std::span<const OwnType> own_types();

// The names of all types of records that are declared: the daemon's own and ARI's events.
[[nodiscard]] const std::vector<std::string_view>& known_types();

// Makes `record` the one of `own` about the Asterisk `server`, without ids and application.
template <OwnRecord Own>
void set_own(Record& record, const Own& own, std::string_view server, WallTime time) {
  record.time = time;
  record.server = server;
  record.app.clear();
  record.type = Own::type;
  record.declared = nullptr;
  record.ids.clear();
  record.members.clear();
  record.members.reserve(std::tuple_size_v<decltype(Own::members)>);
  record.fields.resize(max_members_bytes(own));
  char* const begin = record.fields.data();
  const char* const end = write_members(begin, own, [&](const char* at) {
    record.members.push_back({.begin = static_cast<uint32_t>(at - begin)});
  });
  record.fields.resize(static_cast<size_t>(end - begin));
}

// The record of `own` about the Asterisk `server`. Ids and an application are added by the caller.
template <OwnRecord Own>
[[nodiscard]] Record own_record(const Own& own, std::string_view server, WallTime time) {
  Record record;
  set_own(record, own, server, time);
  return record;
}

}  // namespace aribus::record
