// Calls: from the records of an earlier process.
#include <string>
#include <utility>
#include <vector>

#include "json/find_member.h"
#include "state/calls.h"
#include "state/model.h"
#include "state/object_text.h"

namespace aribus::state {

using record::CallLeg;
using record::Record;

void Calls::recall(const Record& record, uint64_t seq, const Model& model) {
  recalls_ = true;
  const auto named = record.ids.of(IdKind::call);
  recalled_ = named.size() == 1 ? std::string(named.front()) : std::string();
  Record copy = record;
  link(copy, seq, model);
  const auto channels = record.ids.of(IdKind::channel);
  if (!recalled_.empty() && record.type == record::CallStarted::type && !channels.empty() &&
      (channels_.find(channels.front()) != nullptr || !is_full())) {
    Known& first = channels_.add(channels.front());
    if (first.second.over) first.second = {};
    if (!is_live(first.second.call) || first.second.call->id != recalled_) {
      first.second.call.reset();
      join(first, recalled_call(recalled_), Way::first);
    }
    Call& call = *change(first.second.call);
    call.complete = record.member("complete") == "true";
    call.direction = string_of(record.member("direction"));
    call.from = party_of(record.member("from"));
    call.to = party_of(record.member("to"));
    call.started = parse_time(string_of(record.member("started"))).value_or(record.time);
    call.legs.front().began = call.started;
    calls_.grow(call.add_app(record.app));
  }
  if (!recalled_.empty() && record.type == record::CallEnded::type) {
    if (const Call* call = calls_.find(recalled_)) {
      const std::vector<CallLeg> legs = call->legs;
      const std::shared_ptr<KnownCall> known = call->known;
      erase(*known);
      for (const CallLeg& leg : legs) remember(leg.channel);
    }
  }
  recalled_.clear();
}

// The live call with that id. It is made if the log does not have its beginning any more.
std::shared_ptr<KnownCall> Calls::recalled_call(const std::string& id) {
  const HashedText hashed(id);
  if (const Call* const live = calls_.find(hashed)) return live->known;
  auto known = std::make_shared<KnownCall>(KnownCall{id, hashed.hash});
  Call& call = add_call(known);
  call.complete = false;
  call.started = now_;
  return known;
}

void Calls::recalled(std::string_view server, WallTime now, const Model& model) {
  recalls_ = false;
  server_ = server;
  now_ = now;
  model_ = &model;
  std::vector<std::shared_ptr<KnownCall>> over;
  for (const auto& [id, call] : calls_) {
    if (call.live_legs == 0) over.push_back(call.known);
  }
  for (const auto& call : over) finish(call);
  channels_.each([&](const Known& known) {
    if (!known.second.over && model.find(IdKind::channel, known.first) == nullptr) unseen_.push_back(known.first);
  });
}

}  // namespace aribus::state
