#include "bus/filter.h"

#include <algorithm>
#include <bit>

#include "base/glob.h"
#include "json/json.h"

namespace aribus::bus {
namespace {

bool matches_any(const std::vector<std::string>& globs, const std::string& name) {
  return std::ranges::any_of(globs, [&](const auto& glob) { return matches_glob(glob, name); });
}

bool holds(const std::vector<std::string>& wanted, std::string_view name) {
  return wanted.empty() || std::ranges::find(wanted, name) != wanted.end();
}

}  // namespace

Filter::Filter(FilterOptions options, FilterBounds bounds)
    : options_(std::move(options)), bounds_(std::move(bounds)) {
  const std::pair<record::IdKind, const std::vector<std::string>*> by_id[] = {
      {record::IdKind::channel, &options_.channels},
      {record::IdKind::bridge, &options_.bridges},
      {record::IdKind::endpoint, &options_.endpoints},
      {record::IdKind::call, &options_.calls}};
  for (const auto& [kind, wanted] : by_id) {
    if (wanted->empty()) continue;
    auto& hashes = ids_.emplace_back();
    for (const std::string& id : *wanted) hashes.push_back(record::id_hash(kind, id));
    std::ranges::sort(hashes);
  }
  options_.channels = options_.bridges = options_.endpoints = options_.calls = {};  // the hashes are enough
  any_type_ =
      options_.types.empty() && options_.exclude.empty() && bounds_.types.empty() && bounds_.exclude.empty();
  types_only_ = options_.servers.empty() && options_.apps.empty() && bounds_.apps.empty() && ids_.empty();
  takes_all_ = any_type_ && types_only_;
}

bool Filter::wants_type(const std::string& type) const {
  const auto in = [&](const std::vector<std::string>& types) {
    return types.empty() || matches_any(types, type);
  };
  return in(options_.types) && in(bounds_.types) && !matches_any(options_.exclude, type) &&
         !matches_any(bounds_.exclude, type);
}

bool Filter::wants_app(std::string_view app) const {
  return holds(options_.apps, app) && holds(bounds_.apps, app);
}

template <typename Wants>
bool Filter::remembered(Verdicts& verdicts, const RecordLog& log, uint16_t number, Wants wants) {
  if (verdicts.size() <= number) verdicts.resize(number + 1U, Verdict::unknown);
  Verdict& verdict = verdicts[number];
  if (verdict == Verdict::unknown) verdict = wants(log.name(number)) ? Verdict::yes : Verdict::no;
  return verdict == Verdict::yes;
}

bool Filter::matches_ids(const RecordLog& log, const Entry& entry) const {
  if (entry.ids_count == any_id) return true;
  return std::ranges::all_of(ids_, [&](const auto& wanted) {
    for (size_t i = 0; i < entry.ids_count; ++i) {
      if (std::ranges::binary_search(wanted, log.id(entry, i))) return true;
    }
    return false;
  });
}

bool Filter::matches_ids(const record::IdSet& ids) const {
  return std::ranges::all_of(ids_, [&](const auto& wanted) {
    for (size_t i = 0; i < ids.size(); ++i) {
      if (std::ranges::binary_search(wanted, ids[i].hash)) return true;
    }
    return false;
  });
}

// For the rare record whose type, server or app has no number.
bool Filter::matches_text(const RecordLog& log, uint64_t seq) const {
  const Result<Json> record = parse_own_json(log.record_text(seq));
  if (!record) return false;
  return wants_type(std::string(find_string(*record, "type"))) &&
         holds(options_.servers, find_string(*record, "server")) && wants_app(find_string(*record, "app"));
}

// Finds out which records of a block may pass, by their types.
void Filter::look_at(const RecordLog& log, uint64_t block) {
  for (; slots_seen_ < log.slot_count(); ++slots_seen_) {
    if (wants_type(log.slot_name(slots_seen_))) slots_.push_back(slots_seen_);
  }
  uint64_t bits = 0;
  for (const size_t slot : slots_) bits |= log.of_slot(block, slot);
  const uint64_t unclear = log.of_slot(block, RecordLog::type_slots - 1);
  look_ = {block, log.next(), any_type_ ? ~uint64_t{0} : bits | unclear, types_only_ && unclear == 0};
}

uint64_t Filter::next_match(const RecordLog& log, uint64_t from, uint64_t to) {
  constexpr size_t size = RecordLog::records_a_block;
  while (from < to) {
    if (look_.block != from / size || look_.next != log.next()) look_at(log, from / size);
    const uint64_t bits = look_.bits >> from % size;
    if (bits == 0) {
      from = (from / size + 1) * size;
      continue;
    }
    from += static_cast<uint64_t>(std::countr_zero(bits));
    if (from >= to) break;
    if (look_.certain || matches(log, from)) return from;
    ++from;
  }
  return to;
}

bool Filter::matches(const RecordLog& log, uint64_t seq) {
  if (takes_all_) return true;
  const Entry& entry = log.entry(seq);
  if (entry.type == 0 || entry.server == 0 || entry.app == 0) {
    return matches_text(log, seq) && matches_ids(log, entry);
  }
  return remembered(types_, log, entry.type, [this](const std::string& name) { return wants_type(name); }) &&
         remembered(servers_, log, entry.server,
                    [this](const std::string& name) { return holds(options_.servers, name); }) &&
         remembered(apps_, log, entry.app, [this](const std::string& name) { return wants_app(name); }) &&
         matches_ids(log, entry);
}

}  // namespace aribus::bus
