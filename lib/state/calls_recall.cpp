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
    if (first.second.call != recalled_ || calls_.find(recalled_) == nullptr) {
      first.second.call.clear();
      join(first, recalled_, Way::first);
    }
    Call& call = *change(recalled_);
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
      calls_.erase(recalled_);
      for (const CallLeg& leg : legs) remember(leg.channel);
    }
  }
  recalled_.clear();
}

void Calls::recalled(std::string_view server, WallTime now, const Model& model) {
  recalls_ = false;
  server_ = server;
  now_ = now;
  model_ = &model;
  std::vector<std::string> over;
  for (const auto& [id, call] : calls_) {
    if (call.live_legs == 0) over.push_back(id);
  }
  for (const std::string& id : over) finish(id);
  channels_.each([&](const Known& known) {
    if (!known.second.over && model.find(IdKind::channel, known.first) == nullptr) unseen_.push_back(known.first);
  });
}

}  // namespace aribus::state
