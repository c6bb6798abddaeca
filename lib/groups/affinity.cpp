#include "groups/affinity.h"

#include <algorithm>

#include "groups/member.h"

namespace aribus::groups {

const AffinityKey* Affinity::find(std::string_view key) const {
  const auto at = keys_.find(key);
  return at == keys_.end() ? nullptr : &at->second;
}

void Affinity::add(const std::string& text, Member& member) {
  AffinityKey& key = keys_[text];
  key.text = text;
  const auto at = std::ranges::find(key.holders, &member, &AffinityKey::Holder::member);
  if (at != key.holders.end()) {
    ++at->calls;
    return;
  }
  key.holders.push_back({&member, 1});
  if (!key.waiting.empty()) member.awaited.insert(&key);
}

std::vector<Call*> Affinity::remove(const std::string& text, Member& member) {
  const auto entry = keys_.find(text);
  AffinityKey& key = entry->second;
  const auto at = std::ranges::find(key.holders, &member, &AffinityKey::Holder::member);
  if (--at->calls > 0) return {};
  key.holders.erase(at);
  member.awaited.erase(&key);
  std::vector<Call*> waiting(key.waiting.begin(), key.waiting.end());
  erase_if_empty(entry);
  return waiting;
}

void Affinity::wait(Call& call) {
  AffinityKey& key = keys_.find(call.key)->second;
  key.waiting.insert(&call);
  for (const AffinityKey::Holder& holder : key.holders) holder.member->awaited.insert(&key);
}

void Affinity::wait_no_longer(Call& call) {
  const auto entry = keys_.find(call.key);
  AffinityKey& key = entry->second;
  key.waiting.erase(&call);
  if (!key.waiting.empty()) return;
  for (const AffinityKey::Holder& holder : key.holders) holder.member->awaited.erase(&key);
  erase_if_empty(entry);
}

void Affinity::erase_if_empty(Keys::iterator key) {
  if (key->second.holders.empty() && key->second.waiting.empty()) keys_.erase(key);
}

Call* Affinity::next_for(const Member& member) {
  Call* first = nullptr;
  for (const AffinityKey* key : member.awaited) {
    for (Call* call : key->waiting) {
      if (call->was_passed_on_by(member.name)) continue;
      if (first == nullptr || ByPriority()(call, first)) first = call;
      break;
    }
  }
  return first;
}

std::vector<Call*> Affinity::waiting_for(const Member& member) {
  std::vector<Call*> calls;
  for (const AffinityKey* key : member.awaited)
    calls.insert(calls.end(), key->waiting.begin(), key->waiting.end());
  return calls;
}

}  // namespace aribus::groups
