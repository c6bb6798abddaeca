#include "groups/group.h"

#include <algorithm>

namespace aribus::groups {

Group::Group(Settings settings, uint64_t given_number, Context& context)
    : number(given_number), settings_(std::move(settings)), context_(context) {}

void Group::change(Settings settings) {
  const bool was_provisional = is_provisional();
  settings_ = std::move(settings);
  if (was_provisional &&
      settings_.grace) {  // members that were there before the restart have had the default
    for (const auto& [name, member] : members_) {
      if (member->away_until && member->named)
        member->away_until = std::max(*member->away_until, recalled_at_ + *settings_.grace);
    }
  }
  for (const auto& [name, member] : members_) schedule(*member);
  for (const auto& [id, call] : calls_) schedule(*call);
}

Stats Group::stats(WallTime now) const {
  Stats stats{.members = members_.size(),
              .calls = calls(CallState::offered).size() + calls(CallState::accepted).size(),
              .waiting = calls(CallState::waiting).size(),
              .offers = offers_,
              .takeovers = takeovers_,
              .fallbacks = fallbacks_};
  for (const Call* call : calls(CallState::offered)) {
    const WallTime made = call->accept_until - settings_.accept;
    stats.oldest_offer = std::max(stats.oldest_offer, now - made);
  }
  return stats;
}

Member* Group::find_member(std::string_view name) {
  const auto at = members_.find(name);
  return at == members_.end() ? nullptr : at->second.get();
}

Call* Group::find(std::string_view call) {
  return const_cast<Call*>(std::as_const(*this).find(call));
}

const Call* Group::find(std::string_view call) const {
  const auto at = calls_.find(call);
  return at == calls_.end() ? nullptr : at->second.get();
}

}  // namespace aribus::groups
