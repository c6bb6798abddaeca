#include "bus/filter.h"

#include <algorithm>

#include <fnmatch.h>

#include "base/json.h"

namespace aribus::bus {
namespace {

bool matches_any(const std::vector<std::string>& globs, const std::string& name) {
  return std::ranges::any_of(globs,
                             [&](const auto& glob) { return fnmatch(glob.c_str(), name.c_str(), 0) == 0; });
}

bool holds(const std::vector<std::string>& wanted, std::string_view name) {
  return wanted.empty() || std::ranges::find(wanted, name) != wanted.end();
}

}  // namespace

Filter::Filter(FilterOptions options) : options_(std::move(options)) {
  const std::pair<record::IdKind, const std::vector<std::string>*> by_id[] = {
      {record::IdKind::channel, &options_.channels},
      {record::IdKind::bridge, &options_.bridges},
      {record::IdKind::endpoint, &options_.endpoints}};
  for (const auto& [kind, wanted] : by_id) {
    if (wanted->empty()) continue;
    auto& set = ids_.emplace_back();
    for (const std::string& id : *wanted) set.insert(record::id_hash(kind, id));
  }
  takes_all_ = options_.types.empty() && options_.exclude.empty() && options_.servers.empty() &&
               options_.apps.empty() && ids_.empty();
}

bool Filter::wants_type(const std::string& type) const {
  return (options_.types.empty() || matches_any(options_.types, type)) &&
         !matches_any(options_.exclude, type);
}

template <typename Wants>
bool Filter::remembered(Verdicts& verdicts, const Log& log, uint16_t number, Wants wants) {
  if (verdicts.size() <= number) verdicts.resize(number + 1U, Verdict::unknown);
  Verdict& verdict = verdicts[number];
  if (verdict == Verdict::unknown) verdict = wants(log.name(number)) ? Verdict::yes : Verdict::no;
  return verdict == Verdict::yes;
}

bool Filter::matches_ids(const Log& log, const Entry& entry) const {
  if (entry.ids_count == any_id) return true;
  return std::ranges::all_of(ids_, [&](const auto& wanted) {
    for (size_t i = 0; i < entry.ids_count; ++i) {
      if (wanted.contains(log.id(entry, i))) return true;
    }
    return false;
  });
}

// For the rare record whose type, server or app has no number.
bool Filter::matches_line(const Log& log, uint64_t seq) const {
  const Result<Json> line = parse_json(log.line(seq));
  const JsonValue* record = line ? find(*line, "params") : nullptr;
  if (record == nullptr) return false;
  return wants_type(std::string(find_string(*record, "type"))) &&
         holds(options_.servers, find_string(*record, "server")) &&
         holds(options_.apps, find_string(*record, "app"));
}

uint64_t Filter::next_match(const Log& log, uint64_t from, uint64_t to) {
  for (; from < to; ++from) {
    const uint16_t type = log.entry(from).type;
    if (type < types_.size() && types_[type] == Verdict::no) continue;
    if (matches(log, from)) break;
  }
  return from;
}

bool Filter::matches(const Log& log, uint64_t seq) {
  if (takes_all_) return true;
  const Entry& entry = log.entry(seq);
  if (entry.type == 0 || entry.server == 0 || entry.app == 0) {
    return matches_line(log, seq) && matches_ids(log, entry);
  }
  return remembered(types_, log, entry.type, [this](const std::string& name) { return wants_type(name); }) &&
         remembered(servers_, log, entry.server,
                    [this](const std::string& name) { return holds(options_.servers, name); }) &&
         remembered(apps_, log, entry.app,
                    [this](const std::string& name) { return holds(options_.apps, name); }) &&
         matches_ids(log, entry);
}

}  // namespace aribus::bus
