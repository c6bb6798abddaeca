#include <algorithm>
#include <utility>

#include "control/methods/live_snapshot.h"
#include "json/find_member.h"
#include "json/json_tape.h"
#include "record/own_records.h"
#include "record/record_text.h"
#include "session/results.h"
#include "session/session.h"

namespace aribus::session {
namespace {

std::string line_of(std::string_view method, const std::string& params) {
  return rpc::notification_text(method, params) + "\n";
}

std::string text_at(const record::Record& record, std::string_view name) {
  return string_of(record.member(name));
}

}  // namespace

// A member gets calls that others do not get, so it takes more than reading. `settings`: nullptr for a group that
// does not exist.
bool Session::may_be_member(const std::string& group, const groups::Settings* settings) const {
  const control::AccessRule& rule = *caller_.principal.rule;
  if (!rule.may_join(group) || !context_.dispatcher.allows(caller_, "group.accept")) return false;
  return settings == nullptr ||
         std::ranges::all_of(settings->apps, [&](const std::string& app) { return rule.sees_app(app); });
}

Result<GroupView> Session::join_group(const GroupParams& params) {
  if (assignments() == nullptr) return Error{ErrorKind::internal, "there are no groups here", {}};
  const groups::Settings* known = assignments()->groups().settings(params.join.group);
  std::optional<groups::Settings> settings;
  if (params.change) {
    groups::Settings defaults;
    defaults.name = params.join.group;
    settings = params.change(known != nullptr ? *known : std::move(defaults));
  }
  if (!may_be_member(params.join.group, known != nullptr ? known : settings ? &*settings : nullptr)) {
    const control::AccessRule& rule = *caller_.principal.rule;
    return control::not_allowed("the access rule '" + rule.name + "' does not allow joining the group '" +
                                    params.join.group +
                                    "': that takes its name in `call_groups`, `group.accept` among the methods, and "
                                    "the group's applications",
                                rule.name);
  }
  groups::Join join = params.join;
  join.connection = caller_.connection;
  Result<std::string> member = assignments()->join(join, settings);
  if (!member) return member.error();
  return GroupView(context_.log, assignments()->ownership(join.group),
                   *assignments()->groups().settings(join.group), *member);
}

Result<pbx::ResultText> Session::leave_group(bool drain, std::optional<groups::milliseconds> timeout) {
  if (assignments() == nullptr || !assignments()->groups().member_of(caller_.connection)) {
    return Error{ErrorKind::invalid_params, "this connection is no member of a group", {}};
  }
  assignments()->leave(caller_.connection, drain, timeout);
  if (!drain) on_left_group();
  return pbx::ResultText(to_json(LeavingGroup{.calls = assignments()->calls_of(caller_.connection).size()}));
}

void Session::on_left_group() {
  if (!subscription_) return;
  subscription_->leave_group();
  want_flush();
}

// What the member is told in place of a record with which it got, or lost, a call.
std::string Session::group_notification(uint64_t seq) const {
  JsonTape tape;
  record::Record record;
  if (!record::read_text(tape, context_.log.record_text(seq), record)) return {};
  const auto calls = record.ids.of(record::IdKind::call);
  const std::string call(calls.empty() ? std::string_view() : calls.front());
  const uint64_t epoch = whole_number<uint64_t>(record.member("epoch")).value_or(0);
  if (record.type == record::GroupReleased::type) {
    return line_of("released", to_json(Released{.seq = seq,
                                                .time = record.time,
                                                .server = record.server,
                                                .group = subscription_->group()->group(),
                                                .call = call,
                                                .epoch = epoch,
                                                .reason = text_at(record, "reason")}));
  }
  return line_of("assigned",
                 to_json(Assigned{.seq = seq,
                                  .time = record.time,
                                  .server = record.server,
                                  .group = subscription_->group()->group(),
                                  .call = call,
                                  .epoch = epoch,
                                  .reason = text_at(record, "reason"),
                                  .previous = text_at(record, "previous"),
                                  .snapshot = {control::call_snapshot(*assignments(), call, record.app,
                                                                      *caller_.principal.rule)}}));
}

// Records were lost, or it begins without those before: it is told once more of each call that it owned by
// then.
void Session::tell_calls() {
  to_tell_.clear();
  const uint64_t from = subscription_->cursor().seq + 1;
  for (groups::Owned& owned : assignments()->calls_of(caller_.connection)) {
    // Of others the `assigned` is still to come.
    if (subscription_->group()->owned_since(owned.call) < from) to_tell_.push_back(std::move(owned));
  }
}

std::string Session::next_call_to_tell() {
  const groups::Owned owned = std::move(to_tell_.front());
  to_tell_.pop_front();
  const pbx::Server* server = assignments()->server_of(owned.call);
  return line_of("assigned",
                 to_json(Assigned{.seq = subscription_->cursor().seq,
                                  .time = wall_now(),
                                  .server = server == nullptr ? "" : server->name(),
                                  .group = subscription_->group()->group(),
                                  .call = owned.call,
                                  .epoch = owned.epoch,
                                  .reason = "lost",
                                  .previous = owned.previous,
                                  .snapshot = {control::call_snapshot(*assignments(), owned.call, owned.app,
                                                                      *caller_.principal.rule)}}));
}

}  // namespace aribus::session
