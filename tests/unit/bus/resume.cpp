#include "bus/resume.h"

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::bus;

namespace {

RecordLog log_with(int records) {
  auto made = RecordLog::make({.ring_bytes = RecordLog::min_ring_bytes}, test::framing);
  REQUIRE(made.ok());
  for (int i = 0; i < records; ++i) made->append(test::padded_record(500));
  return std::move(*made);
}

std::string at(const RecordLog& log, uint64_t seq) {
  return Cursor{log.stream(), seq}.text();
}

void check_start(const Start& start, uint64_t next, uint64_t may_lose_from, const std::string& reason = "") {
  CHECK(start.next == next);
  CHECK(start.may_lose_from == may_lose_from);
  CHECK(start.reason == reason);
}

}  // namespace

TEST_CASE("without a cursor a subscription starts with the next record, or with the first of the stream") {
  for (const int records : {0, 3, 500}) {
    const RecordLog log = log_with(records);
    check_start(start_of(log, {}, false), log.next(), log.first());
    check_start(start_of(log, {}, true), 1, log.first());
  }
}

TEST_CASE("the log continues after each cursor behind which it holds all records") {
  const RecordLog log = log_with(500);
  REQUIRE(log.first() > 10);
  for (uint64_t seq = log.first() - 1; seq < log.next(); ++seq) {
    for (const bool from_oldest : {false, true}) {
      check_start(start_of(log, at(log, seq), from_oldest), seq + 1, seq + 1);
    }
  }
}

TEST_CASE(
    "where records behind the cursor are gone, the log continues only from the oldest on, with a loss") {
  const RecordLog log = log_with(500);
  const std::string first = std::to_string(log.first());
  for (const uint64_t seq : {uint64_t{0}, uint64_t{3}, log.first() - 2}) {
    check_start(start_of(log, at(log, seq), false), log.next(), log.first(),
                "the ring no longer holds what follows it; its oldest record is " + first);
    check_start(start_of(log, at(log, seq), true), seq + 1, seq + 1);
  }
}

TEST_CASE("other cursors are not honoured, and the reason is given") {
  const RecordLog log = log_with(500);
  const std::string ahead = "the cursor is ahead of the stream, which ends at 500";
  const std::string other = "the stream started afresh since; it is " + log.stream() + " now";
  const std::string none = "no cursor of the form <stream>:<seq>";
  const std::pair<std::string, std::string> cases[] = {
      {at(log, 501), ahead},       {at(log, 18446744073709551615U), ahead},
      {"ffffffffffff:3", other},   {":3", none},
      {log.stream() + ":x", none}, {"", none},
  };
  for (const auto& [since, reason] : cases) {
    INFO(since);
    check_start(start_of(log, since, false), 501, log.first(), reason);
    check_start(start_of(log, since, true), 1, log.first(), reason);
  }
}
