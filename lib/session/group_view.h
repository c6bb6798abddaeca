// What a member of a group sees of the log.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bus/record_log.h"
#include "groups/ownership.h"
#include "groups/settings.h"
#include "record/record.h"

namespace aribus::session {

// A record about calls is shown to the member that owned one of them at that record's `seq`, whatever its
// application; a record about no call to every member, if it is of an application of the group, or of none. In
// place of the record with which the member gets a call, or loses it, there is a notification: it belongs to the
// program's business, whatever filter it has.
class GroupView {
 public:
  enum class Sight : uint8_t { hidden, shown, notification };

  GroupView(const bus::RecordLog& log, std::shared_ptr<const groups::Ownership> ownership,
            groups::Settings settings, std::string member)
      : log_(&log),
        ownership_(std::move(ownership)),
        settings_(std::move(settings)),
        member_(std::move(member)) {}

  // Required: the log holds the record, and it is readable.
  [[nodiscard]] Sight sight_of(uint64_t seq);
  // Whether the member owned the call at that record.
  [[nodiscard]] bool owned_at(std::string_view call, uint64_t seq) const;
  // The record with which it got the call that it owns now.
  [[nodiscard]] uint64_t owned_since(std::string_view call) const;
  // It is no member any more: from now on no record about a call is shown.
  void end() { until_ = std::min(until_, log_->next()); }
  // Where it ended; nothing: it has not.
  [[nodiscard]] std::optional<uint64_t> ended_at() const {
    return until_ == UINT64_MAX ? std::nullopt : std::optional(until_);
  }
  [[nodiscard]] const std::string& group() const { return settings_.name; }
  [[nodiscard]] const std::string& member() const { return member_; }
  // How long the member may be silent; nothing: as long as it likes.
  [[nodiscard]] std::optional<groups::milliseconds> lease() const { return settings_.lease; }

 private:
  enum class Kind : uint8_t { unknown, other, ownership };

  [[nodiscard]] bool is_of_group(uint16_t app) const;
  [[nodiscard]] bool is_mine(uint64_t seq) const;
  [[nodiscard]] bool is_about_ownership(uint64_t seq);

  const bus::RecordLog* log_;
  std::shared_ptr<const groups::Ownership> ownership_;
  groups::Settings settings_;  // when it joined
  std::string member_;
  uint64_t until_ = UINT64_MAX;
  std::vector<Kind> kinds_;  // of types, by their numbers in the log
};

}  // namespace aribus::session
