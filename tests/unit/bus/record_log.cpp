#include "bus/record_log.h"

#include <numeric>

#include "bus/filter.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::bus;
using aribus::test::json;
using aribus::test::padded_record;
using aribus::test::record_of;

namespace {

RecordLog log_of_size(size_t ring_bytes = RecordLog::min_ring_bytes) {
  auto made = RecordLog::make({.ring_bytes = ring_bytes}, test::framing);
  REQUIRE(made.ok());
  return std::move(*made);
}

// Every line is its record's, and the lines of all records follow each other.
void check_contents(const RecordLog& log) {
  std::string all;
  for (uint64_t seq = log.first(); seq < log.next(); ++seq) {
    const std::string line(log.line(seq));
    REQUIRE(line.ends_with("}}\n"));
    REQUIRE(line.find("\"seq\":" + std::to_string(seq) + ",") != std::string::npos);
    all += line;
  }
  REQUIRE(log.lines(log.first(), log.next()) == all);
  REQUIRE(log.used_bytes() == all.size());
  REQUIRE(all.size() <= log.ring_bytes());
}

}  // namespace

TEST_CASE("a new log is empty and has a stream of its own") {
  const RecordLog log = log_of_size(), other = log_of_size();
  CHECK(log.first() == 1);
  CHECK(log.next() == 1);
  CHECK(log.used_bytes() == 0);
  CHECK(log.lines(1, 1).empty());
  CHECK(log.cursor().seq == 0);
  CHECK(log.cursor().stream == log.stream());
  CHECK(log.stream() != other.stream());
  CHECK(Cursor::parse(log.cursor().text()).has_value());
}

TEST_CASE("a ring under the least size is refused") {
  CHECK(RecordLog::make({.ring_bytes = RecordLog::min_ring_bytes - 1}, test::framing).error().kind ==
        ErrorKind::invalid_params);
  CHECK(RecordLog::make({.ring_bytes = RecordLog::min_ring_bytes}, test::framing).ok());
}

TEST_CASE("records get sequence numbers from 1, one by one, and the listener hears of each") {
  RecordLog log = log_of_size();
  int heard = 0;
  log.add_listener([&] { ++heard; });
  for (uint64_t i = 1; i <= 20; ++i) CHECK(log.append(record_of("A")) == i);
  CHECK(heard == 20);
  CHECK(log.first() == 1);
  CHECK(log.next() == 21);
  CHECK(log.cursor().seq == 20);
  CHECK(log.line(3) == test::to_line(record_of("A"), 3));
  check_contents(log);
}

TEST_CASE("each listener is called after each record, until it is removed") {
  RecordLog log = log_of_size();
  std::string heard;
  const size_t first = log.add_listener([&] { heard += "a" + std::to_string(log.next() - 1); });
  const size_t second = log.add_listener([&] { heard += "b"; });
  log.append(record_of("A"));
  CHECK(heard == "a1b");
  log.remove_listener(first);
  log.append(record_of("A"));
  CHECK(heard == "a1bb");
  log.remove_listener(second);
  log.append(record_of("A"));
  CHECK(heard == "a1bb");
}

TEST_CASE("the log surrounds records with what it is given, and shows them without") {
  for (const Framing& framing : {Framing{"", "\n"}, Framing{"data: ", "\r\n"}, test::framing}) {
    auto made = RecordLog::make({.ring_bytes = RecordLog::min_ring_bytes}, framing);
    REQUIRE(made.ok());
    RecordLog& log = *made;
    const record::Record small = record_of("A");
    const record::Record large = padded_record(5000);
    log.append(small);
    log.append(large);
    CHECK(log.record_text(1) == test::record_text(small, 1));
    CHECK(log.record_text(2) == test::record_text(large, 2));
    const std::string line =
        std::string(framing.head) + test::record_text(large, 2) + std::string(framing.tail);
    CHECK(log.line(2) == line);
    CHECK(log.line_of(large, 2) == line);
    CHECK(log.lines(1, 3) == std::string(log.line(1)) + line);
  }
}

TEST_CASE("the oldest records make room for new ones, and lines stay whole across the ring's end") {
  RecordLog log = log_of_size();
  for (int i = 0; i < 3000; ++i) {
    log.append(padded_record(static_cast<size_t>(i * 37 % 900)));
    check_contents(log);
  }
  CHECK(log.first() > 1);
  CHECK(log.next() == 3001);
  // It is no poorer than it must be: one more record would not have fitted.
  CHECK(log.used_bytes() > log.ring_bytes() - 2 * 1200);
}

TEST_CASE("records of one size that divides the ring wrap at its very end") {
  RecordLog log = log_of_size();
  const size_t overhead = test::to_line(padded_record(0), 1000).size();
  for (int i = 0; i < 999; ++i) log.append(record_of("A"));
  for (int i = 0; i < 500; ++i) {
    log.append(padded_record(1024 - overhead));
    CHECK(log.line(log.next() - 1).size() == 1024);
  }
  CHECK(log.used_bytes() == log.ring_bytes());
  CHECK(log.next() - log.first() == log.ring_bytes() / 1024);
  check_contents(log);
}

TEST_CASE("short records are bounded by the index") {
  RecordLog log = log_of_size();
  record::Record tiny = record_of("");
  tiny.server.clear();
  tiny.app.clear();
  for (int i = 0; i < 5000; ++i) log.append(tiny);
  CHECK(log.next() - log.first() <= log.ring_bytes() / 256);
  CHECK(log.next() - log.first() >= log.ring_bytes() / 256 - RecordLog::records_a_block);
  check_contents(log);
}

TEST_CASE("a record that is too large is replaced by one that says so") {
  RecordLog log = log_of_size();
  const size_t overhead = test::to_line(padded_record(0), 1).size();
  log.append(padded_record(log.max_line_bytes() - overhead));
  CHECK(log.line(1).size() == log.max_line_bytes());
  log.append(padded_record(log.max_line_bytes() - overhead + 1, "Huger!"));
  log.append(padded_record(10'000'000, std::string(100'000, 'T')));
  CHECK(log.next() == 4);
  for (const uint64_t seq : {2, 3}) {
    const Json line = json(log.line(seq));
    const JsonValue& params = *find(line, "params");
    CHECK(find_string(params, "type") == "Malformed");
    CHECK(find_string(params, "server") == "pbx1");
    CHECK_THAT(std::string(find_string(params, "invalid")), ContainsSubstring("limit of 16384 bytes"));
    CHECK(find(params, "bytes")->GetUint64() > log.max_line_bytes());
    CHECK(find(params, "seq")->GetUint64() == seq);
  }
  CHECK_THAT(std::string(log.line(2)), ContainsSubstring("Huger!"));
  check_contents(log);
}

TEST_CASE("names are numbered once, the empty one too") {
  RecordLog log = log_of_size();
  log.append(record_of("A", "s", ""));
  log.append(record_of("B", "s", "A"));
  CHECK(log.name(log.entry(1).type) == "A");
  CHECK(log.name(log.entry(1).server) == "s");
  CHECK(log.name(log.entry(1).app).empty());
  CHECK(log.entry(1).app != 0);
  CHECK(log.entry(2).server == log.entry(1).server);
  CHECK(log.entry(2).app == log.entry(1).type);
  CHECK(log.name(log.entry(2).type) == "B");
}

TEST_CASE("of more names than are numbered the rest has number 0") {
  RecordLog log = log_of_size();
  for (int i = 0; i < 6000; ++i) log.append(record_of("T" + std::to_string(i)));
  CHECK(log.entry(log.next() - 1).type == 0);
  CHECK(log.entry(log.next() - 1).server != 0);
}

TEST_CASE("the ids of a record are in the index") {
  RecordLog log = log_of_size();
  record::Record record = record_of("A");
  record.ids.add(record::IdKind::channel, "c1");
  record.ids.add(record::IdKind::bridge, "c1");
  log.append(record);
  const Entry& entry = log.entry(1);
  REQUIRE(entry.ids_count == 2);
  CHECK(log.id(entry, 0) == id_hash(record::IdKind::channel, "c1"));
  CHECK(log.id(entry, 1) == id_hash(record::IdKind::bridge, "c1"));
  CHECK(log.id(entry, 0) != log.id(entry, 1));
}

TEST_CASE("the index of ids is bounded: records with many ids are evicted early, and none has another's") {
  RecordLog log = log_of_size();
  const size_t capacity = log.ring_bytes() / 64;
  for (int i = 0; i < 2000; ++i) {
    record::Record record = record_of("A");
    for (int j = 0; j < 25; ++j)
      record.ids.add(record::IdKind::channel, std::to_string(i) + "-" + std::to_string(j));
    log.append(record);
  }
  size_t kept = 0;
  for (uint64_t seq = log.first(); seq < log.next(); ++seq) {
    const Entry& entry = log.entry(seq);
    REQUIRE(entry.ids_count == 25);
    kept += entry.ids_count;
    REQUIRE(log.id(entry, 24) == id_hash(record::IdKind::channel, std::to_string(seq - 1) + "-24"));
    REQUIRE(log.id(entry, 0) == id_hash(record::IdKind::channel, std::to_string(seq - 1) + "-0"));
  }
  CHECK(kept <= capacity);
  CHECK(kept > capacity - 25);
}

TEST_CASE("a record with too many ids for the index is marked, not cut") {
  RecordLog log = log_of_size(1 << 20);
  record::Record record = record_of("A");
  for (int i = 0; i < 1025; ++i) record.ids.add(record::IdKind::channel, std::to_string(i));
  log.append(record);
  CHECK(log.entry(1).ids_count == any_id);
  CHECK(find(*find(json(log.line(1)), "params"), "channels")->Size() == 1025);
}

TEST_CASE("names that are long take no memory beyond their records'") {
  RecordLog log = log_of_size(4 << 20);
  const std::string common(300'000, 'x');
  FilterOptions wanted_type, wanted_app;
  wanted_type.types = {"x*7"};
  wanted_app.apps = {common + "8"};
  Filter by_type(wanted_type), by_app(wanted_app);
  const size_t before = test::resident_bytes();
  for (int i = 0; i < 300; ++i) {
    log.append(record_of(common + std::to_string(i)));
    log.append(record_of("Short", common + std::to_string(i), common + std::to_string(i)));
  }
  if (test::memory_is_measurable) CHECK(test::resident_bytes() < before + (40 << 20));  // it was 270 MiB
  const uint64_t last = log.append(record_of(common + "7"));
  CHECK(log.name(log.entry(last).type).empty());
  CHECK(by_type.matches(log, last));  // as the line says
  CHECK_FALSE(by_type.matches(log, last - 1));
  CHECK(by_app.matches(log, log.append(record_of("Short", "pbx1", common + "8"))));
  CHECK_FALSE(by_app.matches(log, last));
}
