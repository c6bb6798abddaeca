// The results of the methods that the daemon answers itself, and its notifications: each is one struct, from
// which come its text and its JSON Schema (json/described.h). docs/protocol.md says what they mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/time.h"
#include "control/methods/state_methods.h"
#include "json/described.h"
#include "pbx/server_status.h"

namespace aribus::session {

struct Hello {
  struct Limits {
    uint64_t request_bytes = 0;
    static constexpr auto members = std::tuple(member("request_bytes", &Limits::request_bytes));
  };
  struct Peer {
    std::optional<std::string> user;
    uint64_t uid = 0;
    uint64_t gid = 0;
    std::vector<uint64_t> groups;
    int64_t pid = 0;
    std::string socket;
    static constexpr auto members = std::tuple(member("user", &Peer::user), member("uid", &Peer::uid),
                                               member("gid", &Peer::gid), member("groups", &Peer::groups),
                                               member("pid", &Peer::pid), member("socket", &Peer::socket));
  };

  std::string aribus;  // its version
  int64_t protocol = 0;
  std::vector<std::string> features;
  Limits limits;
  WallTime started;
  std::string cursor;
  std::vector<std::string> servers;
  Peer peer;
  std::string rule;

  static constexpr auto members = std::tuple(
      member("aribus", &Hello::aribus), member("protocol", &Hello::protocol),
      member("features", &Hello::features), member("limits", &Hello::limits),
      member("started", &Hello::started), member("cursor", &Hello::cursor),
      member("servers", &Hello::servers), member("peer", &Hello::peer), member("rule", &Hello::rule));
};

struct Status {
  struct Configuration {
    std::string file;
    WallTime read;
    static constexpr auto members =
        std::tuple(member("file", &Configuration::file), member("read", &Configuration::read));
  };
  struct Bus {
    std::string stream;
    uint64_t first = 0;
    uint64_t next = 0;
    uint64_t ring_bytes = 0;
    uint64_t used_bytes = 0;
    std::optional<std::string> path;
    std::optional<bool> resumed;
    std::optional<std::string> reason;  // why it was not resumed
    static constexpr auto members = std::tuple(
        member("stream", &Bus::stream), member("first", &Bus::first), member("next", &Bus::next),
        member("ring_bytes", &Bus::ring_bytes), member("used_bytes", &Bus::used_bytes),
        member("path", &Bus::path), member("resumed", &Bus::resumed), member("reason", &Bus::reason));
  };
  struct LoopTurns {
    uint64_t turns = 0;
    uint64_t longest_turn_us = 0;
    uint64_t longest_turn_lately_us = 0;
    static constexpr auto members =
        std::tuple(member("turns", &LoopTurns::turns), member("longest_turn_us", &LoopTurns::longest_turn_us),
                   member("longest_turn_lately_us", &LoopTurns::longest_turn_lately_us));
  };
  struct Process {
    uint64_t resident_bytes = 0;
    uint64_t descriptors = 0;
    uint64_t max_descriptors = 0;
    static constexpr auto members = std::tuple(member("resident_bytes", &Process::resident_bytes),
                                               member("descriptors", &Process::descriptors),
                                               member("max_descriptors", &Process::max_descriptors));
  };

  std::string aribus;  // its version
  int64_t pid = 0;
  WallTime started;
  Configuration configuration;
  std::vector<pbx::ServerStatus> servers;
  Bus bus;
  LoopTurns loop;
  uint64_t connections = 0;
  uint64_t subscribers = 0;
  uint64_t behind_records = 0;  // of the subscriber that is furthest behind
  uint64_t lost_records = 0;
  Process process;

  static constexpr auto members = std::tuple(
      member("aribus", &Status::aribus), member("pid", &Status::pid), member("started", &Status::started),
      member("configuration", &Status::configuration), member("servers", &Status::servers),
      member("bus", &Status::bus), member("loop", &Status::loop), member("connections", &Status::connections),
      member("subscribers", &Status::subscribers), member("behind_records", &Status::behind_records),
      member("lost_records", &Status::lost_records), member("process", &Status::process));
};

// The filter of a subscription, as far as it is shown: see Subscription::filter_text().
struct ShownFilter {
  std::optional<std::vector<std::string>> types;
  std::optional<std::vector<std::string>> exclude;
  std::optional<std::vector<std::string>> servers;
  std::optional<std::vector<std::string>> apps;
  std::optional<std::vector<std::string>> channels;
  std::optional<std::vector<std::string>> bridges;
  std::optional<std::vector<std::string>> endpoints;
  std::optional<std::vector<std::string>> calls;
  std::optional<bool> announce;
  std::optional<uint64_t> more;  // values that are not shown

  static constexpr auto members =
      std::tuple(member("types", &ShownFilter::types), member("exclude", &ShownFilter::exclude),
                 member("servers", &ShownFilter::servers), member("apps", &ShownFilter::apps),
                 member("channels", &ShownFilter::channels), member("bridges", &ShownFilter::bridges),
                 member("endpoints", &ShownFilter::endpoints), member("calls", &ShownFilter::calls),
                 member("announce", &ShownFilter::announce), member("more", &ShownFilter::more));
};

// One connection, present or not.
struct ShownClient {
  uint64_t id = 0;
  int64_t pid = 0;
  OrNull<std::string> program;
  OrNull<std::string> user;
  uint64_t uid = 0;
  std::string socket;
  WallTime since;
  OrNull<std::string> rule;
  uint64_t requests = 0;
  OrNull<JsonText<ShownFilter>> subscription;
  uint64_t sent = 0;
  uint64_t lost = 0;

  static constexpr auto members = std::tuple(
      member("id", &ShownClient::id), member("pid", &ShownClient::pid),
      member("program", &ShownClient::program), member("user", &ShownClient::user),
      member("uid", &ShownClient::uid), member("socket", &ShownClient::socket),
      member("since", &ShownClient::since), member("rule", &ShownClient::rule),
      member("requests", &ShownClient::requests), member("subscription", &ShownClient::subscription),
      member("sent", &ShownClient::sent), member("lost", &ShownClient::lost));
};

struct ConnectedClient : ShownClient {
  uint64_t pending = 0;  // commands under way
  uint64_t behind = 0;   // records
  static constexpr auto members = std::tuple_cat(
      ShownClient::members,
      std::tuple(member("pending", &ConnectedClient::pending), member("behind", &ConnectedClient::behind)));
};

struct ClientThatLeft : ShownClient {
  WallTime until;
  std::string reason;
  static constexpr auto members = std::tuple_cat(
      ShownClient::members,
      std::tuple(member("until", &ClientThatLeft::until), member("reason", &ClientThatLeft::reason)));
};

// Of daemon.clients.
struct Clients {
  std::vector<ConnectedClient> clients;
  std::vector<ClientThatLeft> left;
  static constexpr auto members =
      std::tuple(member("clients", &Clients::clients), member("left", &Clients::left));
};

// Of daemon.reload. When nothing was applied there are `reason` and, where the file is wrong, `mistakes`.
struct Reloaded {
  struct Mistake {
    std::string file;
    std::optional<int64_t> line;  // from 1
    std::optional<int64_t> column;
    std::optional<std::string> key;
    std::string message;
    static constexpr auto members = std::tuple(
        member("file", &Mistake::file), member("line", &Mistake::line), member("column", &Mistake::column),
        member("key", &Mistake::key), member("message", &Mistake::message));
  };

  bool applied = false;
  std::optional<std::vector<std::string>> changed;
  std::optional<std::vector<std::string>> restart;
  std::optional<std::vector<std::string>> warnings;
  std::optional<std::string> reason;
  std::optional<JsonText<std::vector<Mistake>>> mistakes;

  static constexpr auto members =
      std::tuple(member("applied", &Reloaded::applied), member("changed", &Reloaded::changed),
                 member("restart", &Reloaded::restart), member("warnings", &Reloaded::warnings),
                 member("reason", &Reloaded::reason), member("mistakes", &Reloaded::mistakes));
};

struct Subscribed {
  struct Snapshot {
    static std::string schema() { return control::snapshot_schema(); }
  };

  std::string cursor;
  std::optional<bool> resumed;        // there when `since` was given
  std::optional<std::string> reason;  // why it was not resumed
  std::optional<std::vector<std::string>> warnings;
  std::optional<std::string> member;  // of a group: its name
  std::optional<uint64_t> lease_ms;   // of a group that has a lease
  std::optional<JsonText<Snapshot>> snapshot;

  static constexpr auto members =
      std::tuple(aribus::member("cursor", &Subscribed::cursor), aribus::member("resumed", &Subscribed::resumed),
                 aribus::member("reason", &Subscribed::reason), aribus::member("warnings", &Subscribed::warnings),
                 aribus::member("member", &Subscribed::member),
                 aribus::member("lease_ms", &Subscribed::lease_ms), aribus::member("snapshot", &Subscribed::snapshot));
};

struct Unsubscribed {
  std::string cursor;
  static constexpr auto members = std::tuple(member("cursor", &Unsubscribed::cursor));
};

// The notification `assigned`: from the record `seq` on the call belongs to this member.
struct Assigned {
  // What the member can't know of the call; nothing is there for what has ended.
  struct Snapshot {
    static std::string schema() { return control::call_snapshot_schema(); }
  };

  uint64_t seq = 0;
  WallTime time;
  std::string server;
  std::string group;
  std::string call;
  uint64_t epoch = 0;
  std::string reason;    // of group.assigned; or "lost": it has lost records of its call
  std::string previous;  // the member that had the call last; "" for none
  OrNull<JsonText<Snapshot>> snapshot;  // null: the call has ended meanwhile

  static constexpr auto members = std::tuple(
      member("seq", &Assigned::seq), member("time", &Assigned::time), member("server", &Assigned::server),
      member("group", &Assigned::group), member("call", &Assigned::call), member("epoch", &Assigned::epoch),
      member("reason", &Assigned::reason), member("previous", &Assigned::previous),
      member("snapshot", &Assigned::snapshot));
};

// The notification `released`: after the record `seq` the call does not belong to this member any more.
struct Released {
  uint64_t seq = 0;
  WallTime time;
  std::string server;
  std::string group;
  std::string call;
  uint64_t epoch = 0;
  std::string reason;  // of group.released

  static constexpr auto members = std::tuple(
      member("seq", &Released::seq), member("time", &Released::time), member("server", &Released::server),
      member("group", &Released::group), member("call", &Released::call), member("epoch", &Released::epoch),
      member("reason", &Released::reason));
};

// The notification `left`: this connection is no member of the group any more.
struct LeftGroup {
  std::string group;
  std::string member;
  static constexpr auto members =
      std::tuple(aribus::member("group", &LeftGroup::group), aribus::member("member", &LeftGroup::member));
};

// Of group.leave.
struct LeavingGroup {
  uint64_t calls = 0;  // that the member still has
  static constexpr auto members = std::tuple(member("calls", &LeavingGroup::calls));
};

// The notification `lost`: the records from `from` to `to`.
struct Lost {
  uint64_t from = 0;
  uint64_t to = 0;
  uint64_t records = 0;
  static constexpr auto members = std::tuple(member("from", &Lost::from), member("to", &Lost::to),
                                             member("records", &Lost::records).at_least(1));
};

// The schema of `Result`, for as long as the process lives.
template <typename Result>
[[nodiscard]] std::string_view schema_text() {
  static const std::string schema = json_schema<Result>();
  return schema;
}

}  // namespace aribus::session
