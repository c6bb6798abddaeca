// Which records a subscriber wants.
#pragma once

#include <string>
#include <vector>

#include "bus/record_log.h"

namespace aribus::bus {

// Values of one field are or-ed, different fields and-ed; an empty field asks for nothing in particular. A
// record with more ids than the log's index keeps passes every filter by id: it may come too often, and is
// never missed.
struct FilterOptions {
  std::vector<std::string> types;    // globs (glob(7)) on the type
  std::vector<std::string> exclude;  // globs on the type: what matches one is left out
  std::vector<std::string> servers;
  std::vector<std::string> apps;
  std::vector<std::string> channels;
  std::vector<std::string> bridges;
  std::vector<std::string> endpoints;
};

// What a subscriber may see at most, whatever it wants. Likewise an empty field bounds nothing.
struct FilterBounds {
  std::vector<std::string> types;
  std::vector<std::string> exclude;
  std::vector<std::string> apps;
};

// Decides record by record. The verdict on each type, server and app is found once and remembered.
class Filter {
 public:
  explicit Filter(FilterOptions options, FilterBounds bounds = {});

  // Every record passes.
  [[nodiscard]] bool takes_all() const { return takes_all_; }
  // The first record of [from, to) in `log` that passes, or `to`. Always ask about the same log.
  [[nodiscard]] uint64_t next_match(const RecordLog& log, uint64_t from, uint64_t to);
  // A record with these ids, and no others, passes by its ids.
  [[nodiscard]] bool matches_ids(const record::Ids& ids) const;
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
  size_t slots_seen_ = 0;      // of the log's
  std::vector<size_t> slots_;  // of the types that are wanted
  struct Look {
    uint64_t block = UINT64_MAX;
    uint64_t next = 0;     // the log's, at that time
    uint64_t bits = 0;     // which records may pass
    bool certain = false;  // they do
  } look_;                 // the latest
  Verdicts types_;
  Verdicts servers_;
  Verdicts apps_;
  std::vector<std::vector<uint64_t>> ids_;  // sorted hashes, for each kind of id that is asked for
};

}  // namespace aribus::bus
