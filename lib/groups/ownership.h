// Who owned which call when: what a reader of the log is shown.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "record/own_records.h"

namespace aribus::groups {

// The owners of one group's calls as a function of `seq`, as the group's records in the log say. Calls go by
// record::id_hash(IdKind::call, id), as in the log's index. The memory is that of the assignments whose
// records the log holds, and of the calls that are owned.
class Ownership {
 public:
  // The owner of the call at that record; "" when it has none in this group. The record group.assigned itself
  // belongs to the new owner, and group.released to the old one. Valid until the next call of another
  // function. Required: the log holds the record.
  [[nodiscard]] std::string_view owner_at(uint64_t call, uint64_t seq) const;
  // The record from which on the call belongs to whom it belongs now; 0: none that is known.
  [[nodiscard]] uint64_t owned_since(uint64_t call) const;
  // Whether the group knows the call.
  [[nodiscard]] bool knows(uint64_t call) const { return calls_.contains(call); }
  [[nodiscard]] bool empty() const { return calls_.empty(); }
  [[nodiscard]] size_t marks() const { return order_.size(); }

  // Required below: no greater `seq` was given before.
  void assign(uint64_t call, uint64_t seq, const std::string& member);
  // It belongs to the member, and has done so up to this record, if nothing else is known.
  void confirm(uint64_t call, const std::string& member);
  void release(uint64_t call, uint64_t seq, const std::string& member);
  // The log holds no records before `first` any more.
  void forget_before(uint64_t first);

 private:
  struct Mark {
    uint64_t from;      // the owner from this record on
    std::string owner;  // ""; nobody
  };
  void add(uint64_t call, uint64_t from, const std::string& owner);

  std::unordered_map<uint64_t, std::vector<Mark>> calls_;  // the oldest mark first
  std::deque<std::pair<uint64_t, uint64_t>> order_;  // of all marks: where they begin, and of which call
};

// Those of all groups: what bus::RecordLog is to records.
class Ownerships {
 public:
  // A record that is about to get this `seq`, or one of an earlier process.
  void learn(const record::GroupAssigned& record, uint64_t seq);
  void learn(const record::GroupAccepted& record);
  void learn(const record::GroupReleased& record, uint64_t seq);
  // As Ownership's, for all groups: with 100 of them not after each record, but after each group's record, or
  // now and then.
  void forget_before(uint64_t first);
  // Of a group; it stays where it is as long as it is kept: Subscriptions hold it. It is made where there is
  // none.
  [[nodiscard]] std::shared_ptr<const Ownership> of(const std::string& group) { return get(group); }

 private:
  std::shared_ptr<Ownership> get(const std::string& group);

  std::unordered_map<std::string, std::shared_ptr<Ownership>, TextHash, std::equal_to<>> groups_;
};

}  // namespace aribus::groups
