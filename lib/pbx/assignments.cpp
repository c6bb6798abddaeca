#include "pbx/assignments.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "json/find_member.h"
#include "json/json.h"
#include "json/json_tape.h"
#include "pbx/server.h"
#include "record/own_records.h"

namespace aribus::pbx {
namespace {

using groups::Connection;
using record::IdKind;
using record::Record;

constexpr std::string_view key_argument = "key=";
constexpr std::string_view key_variable = "ARIBUS_KEY";

std::string name_of(const Server& server, std::string_view id) {
  return server.name() + '\0' + std::string(id);
}

std::string call_of(const Record& record) {
  const auto calls = record.ids.of(IdKind::call);
  return calls.empty() ? std::string() : std::string(calls.front());
}

std::string text_of(JsonView value) {
  return value.valid() && value.kind() == JsonKind::string ? value.string() : std::string();
}

// For affinity: the argument `key=…` of the StasisStart, or the channel's variable.
std::string key_of(const Record& start) {
  JsonTape tape;
  if (const JsonView args = tape.read(start.member("args")); args.valid()) {
    for (const auto& arg : args.children()) {
      std::string text = text_of(arg.value());
      if (text.starts_with(key_argument)) return text.substr(key_argument.size());
    }
  }
  const JsonView channel = tape.read(start.member("channel"));
  if (!channel.valid()) return {};
  const JsonView variables = channel.find("channelvars");
  return variables.valid() ? text_of(variables.find(key_variable)) : std::string();
}

// An own record as the log has it.
template <typename Own>
Own read_own(const Record& record) {
  const auto text = [&](std::string_view name) { return string_of(record.member(name)); };
  Own own;
  own.group = text("group");
  own.call = text("call");
  own.member = text("member");
  own.epoch = whole_number<uint64_t>(record.member("epoch")).value_or(0);
  if constexpr (requires { own.reason; }) own.reason = text("reason");
  if constexpr (requires { own.previous; }) own.previous = text("previous");
  return own;
}

Error not_owner(std::string message, std::string_view what, std::string_view id,
                const groups::NotOwner& why) {
  return Error{ErrorKind::not_owner, std::move(message), render([&](JsonWriter& writer) {
                 writer.StartObject();
                 write_member(writer, what, id);
                 write_member(writer, "group", why.group);
                 write_member(writer, "owner", why.owner);
                 writer.Key("epoch");
                 writer.Uint64(why.epoch);
                 writer.EndObject();
               })};
}

Error not_owner_of_call(std::string_view call, const groups::NotOwner& why) {
  std::string message = "the call '" + std::string(call) + "' ";
  if (why.group.empty()) {
    message += "is none of this connection: it is no member of a group; nothing was sent";
  } else if (why.owner.empty()) {
    message += "belongs to no member of the group '" + why.group + "' at present; nothing was sent";
  } else {
    message += "belongs to the member '" + why.owner + "' of the group '" + why.group + "' since epoch " +
               std::to_string(why.epoch) + "; nothing was sent";
  }
  return not_owner(std::move(message), "call", call, why);
}

}  // namespace

Assignments::Assignments(Loop& loop, Handlers handlers, Clock clock)
    : handlers_(std::move(handlers)),
      clock_(std::move(clock)),
      start_wall_(clock_.wall()),
      start_monotonic_(clock_.monotonic()),
      groups_({.is_bridged = [this](std::string_view call) { return is_bridged(call); }}),
      timer_(loop),
      found_left_timer_(loop) {}

WallTime Assignments::now() const {
  return start_wall_ +
         std::chrono::duration_cast<WallTime::duration>(clock_.monotonic() - start_monotonic_);
}

void Assignments::add(Server& server) {
  servers_.push_back(&server);
  server.set_assignments(this);
}

void Assignments::remove(const Server& server) {
  std::erase(servers_, &server);
  std::erase(ready_, server.name());
}

void Assignments::configure(std::vector<groups::Settings> configured) {
  groups_.configure(std::move(configured), now());
  act_unless_held();
}

void Assignments::stop() {
  stopped_ = true;
  timer_.stop();
  found_left_timer_.stop();
}

void Assignments::see_before(Server& server, const std::vector<Record>& before, const Record& record) {
  const WallTime time = now();
  for (const Record& started : before) {
    if (started.type == record::CallStarted::type) see_started(server, started, time);
  }
  if (record.type == "StasisStart") see_entered(server, record, time);
  act();
}

void Assignments::see_after(Server& server, const Record& record, const std::vector<Record>& after) {
  const WallTime time = now();
  see_found_left(time);
  if (record.type == "StasisEnd") {
    record.member("synthetic").empty() ? see_left(server, record, time) : note_found_left(server, record);
  }
  if (record.type == record::StateChanged::type) see_found(server, record, time);
  for (const Record& ended : after) {
    if (ended.type == record::CallEnded::type) see_ended(ended, time);
  }
  act();
}

void Assignments::see_started(Server& server, const Record& started, WallTime time) {
  const auto channels = started.ids.of(IdKind::channel);
  if (channels.empty()) return;
  groups_.started({.id = call_of(started),
                   .server = server.name(),
                   .app = started.app,
                   .key = {},
                   .entered = time,
                   .recovered = false},
                  channels.front(), time);
}

void Assignments::see_entered(const Server& server, const Record& start, WallTime time) {
  if (!groups_.takes_calls_of(start.app)) return;
  const state::Sight channel(IdKind::channel, start, "channel");
  const std::string call(server.model().calls().call_of(channel.id));
  if (call.empty()) return;
  note_beginning(call, channel.id, start.app, start.member("args"));
  groups_.entered({.id = call,
                   .server = server.name(),
                   .app = start.app,
                   .key = key_of(start),
                   .entered = time,
                   .recovered = !start.member("synthetic").empty() && is_recovered(server, time)},
                  time);
}

// The first channel that enters an application counts, until none is in it.
void Assignments::note_beginning(const std::string& call, std::string_view channel, const std::string& app,
                                 std::string_view args) {
  std::vector<Beginning::Entry>& entries = beginnings_[call].entries;
  if (std::ranges::find(entries, app, &Beginning::Entry::app) != entries.end()) return;
  Beginning::Entry& entry =
      entries.emplace_back(Beginning::Entry{.app = app, .channel = std::string(channel)});
  if (!args.empty()) entry.args = args;
}

// A channel that was found in an application: its StasisStart was missed.
void Assignments::see_found(const Server& server, const Record& changed, WallTime time) {
  const auto [kind, id] = state::changed_object(changed);
  if (kind != IdKind::channel || id.empty()) return;
  const state::Object* channel = server.model().find(IdKind::channel, id);
  if (channel == nullptr || channel->first_seq != channel->seq) return;
  take_found(server, id, *channel, time);
}

// Whether an earlier process may have seen a call enter that is found now: as long as the live calls of the
// Asterisk are not known for the first time, however long that takes, and while members may still say what
// they own.
bool Assignments::is_recovered(const Server& server, WallTime time) {
  if (!is_known(server)) groups_.expect_holds(time);
  return groups_.expects_holds(time);
}

bool Assignments::is_known(const Server& server) const {
  return std::ranges::find(ready_, server.name()) != ready_.end();
}

void Assignments::take_found(const Server& server, const std::string& id, const state::Object& channel,
                             WallTime time) {
  if (!groups_.takes_calls_of(channel.app)) return;
  const std::string call(server.model().calls().call_of(id));
  if (call.empty()) return;
  note_beginning(call, id, channel.app, {});
  groups_.entered({.id = call,
                   .server = server.name(),
                   .app = channel.app,
                   .key = {},
                   .entered = time,
                   .recovered = is_recovered(server, time)},
                  time);
}

void Assignments::see_left(const Server& server, const Record& end, WallTime time) {
  leave_if_out(server, state::Sight(IdKind::channel, end, "channel").id, end.app, time);
}

// After a gap it was found that the channel is in the application no more: the next record tells whether it
// has ended, is in another one, or lives on elsewhere.
void Assignments::note_found_left(const Server& server, const Record& end) {
  found_left_.push_back(
      {server.name(), std::string(state::Sight(IdKind::channel, end, "channel").id), end.app});
  found_left_timer_.once(Milliseconds(0), [this] {
    see_found_left(now());
    act();
  });
}

void Assignments::see_found_left(WallTime time) {
  for (const FoundLeft& left : std::exchange(found_left_, {})) {
    const Server* server = find_server(left.server);
    if (server != nullptr && server->model().find(IdKind::channel, left.channel) != nullptr)
      leave_if_out(*server, left.channel, left.app, time);
  }
}

void Assignments::leave_if_out(const Server& server, std::string_view channel, const std::string& app,
                               WallTime time) {
  const std::string call(server.model().calls().call_of(channel));
  const state::Call* live = server.model().calls().find(call);
  if (live == nullptr || server.model().calls().is_hung_up(channel)) return;  // its last records follow
  std::vector<std::string> apps;                                              // that its channels are in
  for (const record::CallLeg& leg : live->legs) {
    const state::Object* one = leg.ended ? nullptr : server.model().find(IdKind::channel, leg.channel);
    if (one != nullptr && !one->app.empty()) apps.push_back(one->app);
  }
  if (std::ranges::find(apps, app) != apps.end()) return;
  if (const auto known = beginnings_.find(call); known != beginnings_.end())
    std::erase_if(known->second.entries, [&](const Beginning::Entry& entry) { return entry.app == app; });
  groups_.left(call, app, apps, time);
}

void Assignments::see_ended(const Record& ended, WallTime time) {
  const std::string call = call_of(ended);
  groups_.ended(call, time);
  beginnings_.erase(call);
}

void Assignments::connected(const Server& server) {
  if (is_known(server)) return;
  groups_.expect_holds(now());
  act_unless_held();
}

void Assignments::ready(const Server& server) {
  if (!is_known(server)) become_known(server);
  groups_.retry_fallbacks(server.name(), now());
  act_unless_held();
}

void Assignments::become_known(const Server& server) {
  ready_.push_back(server.name());
  std::vector<std::string> over;  // the log held records of their groups, and none of their channels
  for (const groups::Group* group : groups_.all()) {
    for (const auto& [id, call] : group->calls()) {
      if (call->server == server.name() && server.model().calls().find(id) == nullptr) over.push_back(id);
    }
  }
  for (const std::string& call : over) groups_.ended(call, now());
}

void Assignments::recall(Server& server, const Record& record, uint64_t seq) {
  const auto take = [&]<typename Own>(const Own& own) {
    groups_.recall(own, {.id = own.call,
                         .server = server.name(),
                         .app = record.app,
                         .key = {},
                         .entered = record.time,
                         .recovered = false});
    if constexpr (std::same_as<Own, record::GroupAccepted>) {
      ownerships_.learn(own);
    } else {
      ownerships_.learn(own, seq);
    }
  };
  if (record.type == record::GroupAssigned::type) return take(read_own<record::GroupAssigned>(record));
  if (record.type == record::GroupAccepted::type) return take(read_own<record::GroupAccepted>(record));
  if (record.type == record::GroupReleased::type) return take(read_own<record::GroupReleased>(record));
  if (!is_in_use()) return;
  if (record.type == "StasisStart") {
    // The applications of groups that are not configured are not known yet: their first member will tell.
    const state::Sight channel(IdKind::channel, record, "channel");
    if (const std::string call = call_of(record); groups_.knows(call))
      note_beginning(call, channel.id, record.app, record.member("args"));
    see_entered(server, record, record.time);
  }
  if (record.type == "StasisEnd") see_left(server, record, record.time);
  if (record.type == record::CallEnded::type) see_ended(record, record.time);
}

void Assignments::recall_ended(const std::vector<Record>& ended) {
  for (const Record& record : ended) {
    if (is_in_use() && record.type == record::CallEnded::type) see_ended(record, record.time);
  }
}

void Assignments::recalled() {
  groups_.recalled(now());
  act();
}

// What an action causes may cause others.
void Assignments::act() {
  if (acting_ || stopped_) return;
  acting_ = true;
  while (groups_.has_actions()) {
    for (const groups::Action& action : groups_.take_actions()) act_on(action);
  }
  acting_ = false;
  schedule();
}

void Assignments::act_on(const groups::Action& action) {
  const auto carry_out = [&]<typename What>(const What& what) {
    if constexpr (std::same_as<What, groups::RunFallback>) {
      fall_back(action.server, what);
    } else if constexpr (std::same_as<What, groups::CloseConnection>) {
      handlers_.displaced(what.connection, what.group, what.member);
    } else if constexpr (std::same_as<What, groups::MemberLeft>) {
      handlers_.left(what.connection);
    } else {
      publish(action, what);
    }
  };
  std::visit(carry_out, action.what);
}

template <typename Own>
void Assignments::publish(const groups::Action& action, const Own& own) {
  Server* server = find_server(action.server);
  if (server == nullptr) return;
  Record record = record::own_record(own, server->name(), clock_.wall());
  record.app = action.app;
  record.ids.add(IdKind::call, own.call);
  if constexpr (std::same_as<Own, record::GroupAccepted>) {
    ownerships_.learn(own);
  } else {
    ownerships_.learn(own, handlers_.next_seq());
    ownerships_.forget_before(handlers_.first_seq());
  }
  server->append_about_group(record);
}

// It waits while there is no connection, until the channels are known, and until a member has said what the
// settings are.
void Assignments::fall_back(const std::string& name, const groups::RunFallback& fallback) {
  const groups::Group* group = groups_.find(fallback.group);
  const groups::Call* call = group == nullptr ? nullptr : group->find(fallback.call);
  Server* server = find_server(name);
  if (server == nullptr || call == nullptr || call->state != groups::CallState::fallback) return;
  const auto failed = [this, fallback] {
    groups_.fallback_failed(fallback.group, fallback.call, now());
    act_unless_held();
  };
  if (!server->is_connected() || !is_known(*server) || group->is_provisional()) return failed();
  handlers_.fall_back(*server, group->settings(), fallback.call, failed);
}

void Assignments::schedule() {
  const std::optional<WallTime> next = stopped_ ? std::nullopt : groups_.next();
  if (next == armed_) return;
  armed_ = next;
  if (!next) return timer_.stop();
  timer_.once(std::max(Milliseconds(*next - now()), Milliseconds(0)), [this] {
    armed_.reset();
    groups_.advance(now());
    act();
    schedule();
  });
}

Result<std::string> Assignments::join(const groups::Join& join,
                                      const std::optional<groups::Settings>& settings) {
  const WallTime time = now();
  const bool is_new = groups_.settings(join.group) == nullptr;
  Result<std::string> name = groups_.join(join, settings, time);
  if (name && is_new && groups_.expects_holds(time)) find_calls_of(join.group, time);
  act_unless_held();
  return name;
}

// The group was made just after the start: the calls that are there may have been its own.
void Assignments::find_calls_of(const std::string& group, WallTime time) {
  const std::vector<std::string> apps = groups_.settings(group)->apps;
  for (Server* server : servers_) {
    const auto live = server->freeze();
    for (const auto& [id, channel] : live->of(IdKind::channel)) {
      if (std::ranges::find(apps, channel.app) != apps.end()) take_found(*server, id, channel, time);
    }
  }
}

void Assignments::leave(Connection connection, bool drain, std::optional<groups::milliseconds> timeout) {
  if (!is_in_use()) return;
  groups_.leave(connection, drain, timeout, now());
  act_unless_held();
}

void Assignments::disconnected(Connection connection) {
  if (stopped_ || !is_in_use()) return;
  groups_.disconnected(connection, now());
  act_unless_held();
}

void Assignments::alive(Connection connection) {
  if (!is_in_use()) return;
  groups_.alive(connection, now());
  act_unless_held();
}

void Assignments::originating(Connection connection, const Server& server, std::string_view channel) {
  if (is_in_use()) groups_.originating(connection, server.name(), channel);
}

void Assignments::not_originated(const Server& server, std::string_view channel) {
  if (is_in_use()) groups_.not_originated(server.name(), channel);
}

// Whether the call belongs to the connection, with this epoch if one is named.
Result<void> Assignments::check_own(Connection connection, std::string_view call,
                                    std::optional<uint64_t> epoch) const {
  if (const auto why = groups_.check_own(connection, call, epoch)) return not_owner_of_call(call, *why);
  return {};
}

// Whether a command of the connection about the call may be sent.
Result<void> Assignments::check_call(Connection connection, std::string_view call,
                                     std::optional<uint64_t> epoch) const {
  if (const auto why = groups_.check(connection, call, epoch)) return not_owner_of_call(call, *why);
  return {};
}

Result<void> Assignments::accept(Connection connection, std::string_view call,
                                 std::optional<uint64_t> epoch) {
  if (auto owns = check_own(connection, call, epoch); !owns) return owns;
  const auto why = groups_.accept(connection, call, now());
  act_unless_held();
  return why ? Result<void>(not_owner_of_call(call, *why)) : Result<void>();
}

Result<void> Assignments::decline(Connection connection, std::string_view call,
                                  std::optional<uint64_t> epoch) {
  if (auto owns = check_own(connection, call, epoch); !owns) return owns;
  const auto why = groups_.decline(connection, call, now());
  act_unless_held();
  return why ? Result<void>(not_owner_of_call(call, *why)) : Result<void>();
}

Result<void> Assignments::hand_over(Connection connection, std::string_view call, std::string_view to,
                                    std::optional<uint64_t> epoch) {
  if (auto owns = check_own(connection, call, epoch); !owns) return owns;
  Result<void> done = groups_.hand_over(connection, call, to, now());
  act_unless_held();
  return done;
}

Result<void> Assignments::check(const Server& server, Connection connection, const Concerned& about,
                                std::optional<uint64_t> epoch) const {
  Result<void> old;  // what the epoch is to the first call, if it is that of none
  bool is_current = false;
  for (const std::string& call : about.calls) {
    if (auto owns = check_call(connection, call, {}); !owns) return owns;
    if (!epoch || !groups_.knows(call)) continue;
    Result<void> owns = check_call(connection, call, epoch);
    is_current |= owns.ok();
    if (old) old = std::move(owns);
  }
  if (!is_current && !old) return old;
  for (const std::string& bridge : about.bridges) {
    const auto* creator = bridges_.find(name_of(server, bridge));
    if (creator != nullptr && groups_.member_of(connection) == *creator) continue;
    const std::vector<std::string> in_it = calls_in_bridge(server, bridge);
    std::vector<std::string_view> calls(about.calls.begin(), about.calls.end());
    calls.insert(calls.end(), in_it.begin(), in_it.end());
    if (const auto why = groups_.check_bridge(connection, calls)) {
      return not_owner("the bridge '" + bridge + "' has channels of calls of other members of the group '" +
                           why->group + "' alone, and was not made by this member; nothing was sent",
                       "bridge", bridge, *why);
    }
  }
  return {};
}

std::function<Result<void>()> Assignments::check_again(const Server& server, Connection connection,
                                                       Concerned about, std::optional<uint64_t> epoch) const {
  std::vector<std::pair<std::string, uint64_t>> owned;
  for (const std::string& call : about.calls) {
    if (const auto current = groups_.epoch_of(connection, call)) owned.emplace_back(call, *current);
  }
  return [this, &server, connection, about = std::move(about), epoch,
          owned = std::move(owned)]() -> Result<void> {
    for (const auto& [call, current] : owned) {
      if (auto owns = check_call(connection, call, current); !owns) return owns;
    }
    return check(server, connection, about, epoch);
  };
}

uint64_t Assignments::commanded(Connection connection, const Concerned& about, const std::string& method) {
  Command command{.connection = connection, .calls = {}, .method = method};
  for (const std::string& call : about.calls) {
    if (!groups_.knows(call)) continue;
    groups_.commanded(connection, call, now());
    command.calls.push_back(call);
    if (const auto known = beginnings_.find(call); known != beginnings_.end())
      known->second.commands.push_back(method);
  }
  act_unless_held();
  if (command.calls.empty()) return 0;
  commands_.emplace(next_command_, std::move(command));
  return next_command_++;
}

void Assignments::accepted(uint64_t number) {
  const auto at = commands_.find(number);
  if (at == commands_.end() || std::exchange(at->second.accepted, true)) return;
  for (const std::string& call : at->second.calls) groups_.carried_out(at->second.connection, call, now());
  act_unless_held();
}

void Assignments::answered(uint64_t number) {
  const auto node = commands_.extract(number);
  if (node.empty()) return;
  for (const std::string& call : node.mapped().calls) {
    const auto known = beginnings_.find(call);
    if (known == beginnings_.end()) continue;
    std::vector<std::string>& commands = known->second.commands;
    if (const auto at = std::ranges::find(commands, node.mapped().method); at != commands.end())
      commands.erase(at);
  }
}

void Assignments::created_bridge(const Server& server, Connection connection, const std::string& bridge) {
  if (const auto member = groups_.member_of(connection)) bridges_.put(name_of(server, bridge), *member);
}

CallBeginning Assignments::beginning_of(std::string_view call, std::string_view app) const {
  const auto known = beginnings_.find(call);
  if (known == beginnings_.end()) return {};
  CallBeginning beginning{.channel = {}, .commands = known->second.commands};
  const auto& entries = known->second.entries;
  auto entry = std::ranges::find(entries, app, &Beginning::Entry::app);
  if (entry == entries.end()) entry = entries.begin();
  if (entry == entries.end()) return beginning;
  beginning.channel = entry->channel;
  beginning.args = entry->args;
  return beginning;
}

Server* Assignments::server_of(std::string_view call) const {
  const auto at = std::ranges::find_if(
      servers_, [&](const Server* server) { return server->model().calls().find(call) != nullptr; });
  return at == servers_.end() ? nullptr : *at;
}

Server* Assignments::find_server(std::string_view name) const {
  const auto at =
      std::ranges::find_if(servers_, [&](const Server* server) { return server->name() == name; });
  return at == servers_.end() ? nullptr : *at;
}

// Whether a channel of the call is in a bridge with another one that lives.
bool Assignments::is_bridged(std::string_view id) const {
  const Server* server = server_of(id);
  if (server == nullptr) return false;
  constexpr uint64_t latest = std::numeric_limits<uint64_t>::max() - 1;
  const state::Model& model = server->model();
  return std::ranges::any_of(model.calls().find(id)->legs, [&](const record::CallLeg& leg) {
    const state::Object* channel = leg.ended ? nullptr : model.find(IdKind::channel, leg.channel);
    if (channel == nullptr) return false;
    const state::Object* bridge = model.find(IdKind::bridge, channel->bridge(latest));
    return bridge != nullptr && bridge->seat &&
           std::ranges::any_of(bridge->seat->channels, [&](const std::string& other) {
             return other != leg.channel && model.find(IdKind::channel, other) != nullptr;
           });
  });
}

std::vector<std::string> Assignments::calls_in_bridge(const Server& server, std::string_view id) const {
  std::vector<std::string> calls;
  const state::Object* bridge = server.model().find(IdKind::bridge, id);
  if (bridge == nullptr || !bridge->seat) return calls;
  for (const std::string& channel : bridge->seat->channels) {
    std::string call(server.model().calls().call_of(channel));
    if (!call.empty() && std::ranges::find(calls, call) == calls.end()) calls.push_back(std::move(call));
  }
  return calls;
}

}  // namespace aribus::pbx
