// What the tests show of ARI's operations and events. Each test says beforehand what it shows, and fails when
// it does not; docs/coverage.md is the sum of what they say.
#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ari/schema.h"
#include "tests/call/stage.h"

namespace aribus::test {

// An operation that these Asterisks refuse whatever is asked.
struct Refusal {
  std::string_view operation;
  std::string_view version;  // "22" or "16"
  int status;
  std::string_view message;
};

// The operations that one test shows. An object of this class has static storage.
class Operations {
 public:
  // `done` succeed, on each version that has them; `refused` don't.
  Operations(std::initializer_list<std::string_view> done, std::initializer_list<Refusal> refused = {});

 private:
  friend class Calls;
  std::set<std::string_view> names_;
  std::vector<Refusal> refusals_;
};

// A test's calls of the operations it shows.
class Calls {
 public:
  Calls(Stage& stage, const Operations& shown) : stage_(stage), shown_(shown) {}

  // This version of Asterisk has the operation.
  [[nodiscard]] bool has(std::string_view name) const;
  // Calls it; it must succeed, and answer what ARI declares.
  Json operator()(std::string_view name, std::initializer_list<Argument> arguments = {});
  // Calls it until it succeeds, while Asterisk is still busy with what went before.
  void until_accepted(std::string_view name, std::initializer_list<Argument> arguments);
  // Calls it; it must be refused as was said.
  void refused(std::string_view name, std::initializer_list<Argument> arguments = {});
  // Every operation that was to be shown was called.
  void check_complete() const;

 private:
  Stage& stage_;
  const Operations& shown_;
  std::set<std::string_view> called_;
};

// The types of events that one test shows. An object of this class has static storage.
class Events {
 public:
  // `types` come from each version that has them, `only_22` from 22 alone.
  Events(std::initializer_list<std::string_view> types, std::initializer_list<std::string_view> only_22 = {});

  // A record of each type was received on `stage`, and every record is what ARI declares, with its ids
  // lifted.
  void check_seen(const Stage& stage) const;

 private:
  std::set<std::string_view> types_, only_22_;
};

// `version` of Asterisk has what is absent up to the version `absent_in`.
[[nodiscard]] bool has(std::string_view version, std::string_view absent_in);

// `record` is known and valid, and names the ids that a record of its type must name.
void check_record(const JsonValue& record);

// The whole of docs/coverage.md.
[[nodiscard]] std::string coverage_document();

// The names of what no test shows, and of what is shown but not declared.
[[nodiscard]] std::vector<std::string> gaps_in_coverage();

}  // namespace aribus::test
