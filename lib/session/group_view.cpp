#include "session/group_view.h"

#include <algorithm>

#include "json/find_member.h"
#include "json/json_tape.h"
#include "record/id_set.h"
#include "record/own_records.h"
#include "record/record_text.h"

namespace aribus::session {

using record::IdKind;

bool GroupView::owned_at(std::string_view call, uint64_t seq) const {
  return seq < until_ && ownership_->owner_at(record::id_hash(IdKind::call, call), seq) == member_;
}

uint64_t GroupView::owned_since(std::string_view call) const {
  return ownership_->owned_since(record::id_hash(IdKind::call, call));
}

GroupView::Sight GroupView::sight_of(uint64_t seq) {
  const bus::Entry& entry = log_->entry(seq);
  if (!entry.has_calls) return is_of_group(entry.app) ? Sight::shown : Sight::hidden;
  if (seq >= until_ || !is_mine(seq)) return Sight::hidden;
  return is_about_ownership(seq) ? Sight::notification : Sight::shown;
}

// 0: the log has no number for it.
bool GroupView::is_of_group(uint16_t app) const {
  const std::string& name = log_->name(app);
  return app == 0 || name.empty() || std::ranges::find(settings_.apps, name) != settings_.apps.end();
}

bool GroupView::is_mine(uint64_t seq) const {
  const bus::Entry& entry = log_->entry(seq);
  if (entry.ids_count != bus::any_id) {
    for (size_t i = 0; i < entry.ids_count; ++i) {
      if (ownership_->owner_at(log_->id(entry, i), seq) == member_) return true;
    }
    return false;
  }
  // It has too many ids for the index.
  JsonTape tape;
  record::Record record;
  if (!record::read_text(tape, log_->record_text(seq), record)) return false;
  return std::ranges::any_of(record.ids.of(IdKind::call),
                             [&](std::string_view call) { return owned_at(call, seq); });
}

// Whether it is group.assigned or group.released of this group.
bool GroupView::is_about_ownership(uint64_t seq) {
  const uint16_t type = log_->entry(seq).type;
  if (kinds_.size() <= type) kinds_.resize(type + 1U, Kind::unknown);
  if (kinds_[type] == Kind::unknown) {
    const std::string& name = log_->name(type);
    const bool is_it = name == record::GroupAssigned::type || name == record::GroupReleased::type;
    kinds_[type] = is_it ? Kind::ownership : Kind::other;
  }
  if (kinds_[type] == Kind::other) return false;
  JsonTape tape;
  record::Record record;
  if (!record::read_text(tape, log_->record_text(seq), record)) return false;
  return string_of(record.member("group")) == settings_.name;
}

}  // namespace aribus::session
