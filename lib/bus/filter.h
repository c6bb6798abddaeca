// Which records a subscription gets.
#pragma once

#include <string>
#include <vector>

#include "bus/record_log.h"

namespace aribus::bus {

// What a program asks for. A record passes if it matches each list; it matches a list if it has one of the
// list's values. An empty list matches everything (an empty `exclude` excludes nothing). A record with more
// ids than the log's index keeps passes every filter by id: a program may get such a record needlessly, but
// misses none.
struct FilterOptions {
  std::vector<std::string> types;    // globs (glob(7)) on the type
  std::vector<std::string> exclude;  // globs on the type: records that match one do not pass
  std::vector<std::string> servers;
  std::vector<std::string> apps;
  std::vector<std::string> channels;
  std::vector<std::string> bridges;
  std::vector<std::string> endpoints;
  std::vector<std::string> calls;
};

// What the access rule allows at most, whatever FilterOptions say. An empty list sets no bound.
struct FilterBounds {
  std::vector<std::string> types;
  std::vector<std::string> exclude;
  std::vector<std::string> apps;
};

// Decides record by record, for one subscription. Used on the loop's thread only.
//
// The log numbers types, servers and apps; the verdict on each is found once and remembered by its number.
// For each block of 64 records and each type the log also has a bit for each record of that type:
// next_match() combines the bits of the wanted types and skips all other records. If the filter has
// conditions on types only, the bits decide; otherwise it checks each remaining record.
class Filter {
 public:
  explicit Filter(FilterOptions options, FilterBounds bounds = {});

  // Whether every record passes.
  [[nodiscard]] bool takes_all() const { return takes_all_; }
  // The first record of [from, to) in `log` that passes, or `to`. Required: it is always the same log.
  [[nodiscard]] uint64_t next_match(const RecordLog& log, uint64_t from, uint64_t to);
  // Whether a record with exactly these ids passes the lists of ids.
  [[nodiscard]] bool matches_ids(const record::IdSet& ids) const;
  // Whether the record `seq` passes.
  [[nodiscard]] bool matches(const RecordLog& log, uint64_t seq);

 private:
  enum class Verdict : uint8_t { unknown, yes, no };
  using Verdicts = std::vector<Verdict>;

  void look_at(const RecordLog& log, uint64_t block);
  bool wants_type(const std::string& type) const;
  bool wants_app(std::string_view app) const;
  template <typename Wants>
  static bool remembered(Verdicts& verdicts, const RecordLog& log, uint16_t number, Wants wants);
  bool matches_ids(const RecordLog& log, const Entry& entry) const;
  bool matches_text(const RecordLog& log, uint64_t seq) const;

  FilterOptions options_;
  FilterBounds bounds_;
  bool takes_all_;
  bool any_type_;
  bool types_only_;
  size_t slots_seen_ = 0;      // of the log's slots
  std::vector<size_t> slots_;  // of the wanted types
  struct Look {
    uint64_t block = UINT64_MAX;
    uint64_t next = 0;     // the log's next() at that time
    uint64_t bits = 0;     // which records may pass
    bool certain = false;  // they do pass
  } look_;                 // the latest block
  Verdicts types_;
  Verdicts servers_;
  Verdicts apps_;
  std::vector<std::vector<uint64_t>> ids_;  // sorted hashes, for each kind of id that has a list
};

}  // namespace aribus::bus
