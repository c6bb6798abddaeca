#include "bus/filter.h"

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::bus;
using aribus::record::IdKind;
using aribus::test::record_of;
using Seqs = std::vector<uint64_t>;

namespace {

RecordLog log_of(const std::vector<record::Record>& records, size_t ring_bytes = 4 << 20) {
  auto made = RecordLog::make({.ring_bytes = ring_bytes}, test::framing);
  REQUIRE(made.ok());
  for (const record::Record& record : records) made->append(record);
  return std::move(*made);
}

Seqs matching(const RecordLog& log, FilterOptions options) {
  Filter filter(std::move(options));
  Seqs seqs;
  for (uint64_t seq = log.first(); seq < log.next(); ++seq) {
    const bool match = filter.matches(log, seq);
    CHECK(filter.matches(log, seq) == match);  // remembered as it was found
    if (match) seqs.push_back(seq);
  }
  return seqs;
}

record::Record with_id(IdKind kind, const std::string& id, const std::string& type = "A") {
  record::Record record = record_of(type);
  record.ids.add(kind, id);
  return record;
}

}  // namespace

TEST_CASE("a filter without wishes takes everything") {
  CHECK(Filter({}).takes_all());
  const RecordLog log = log_of({record_of("A"), record_of("", "", "")});
  CHECK(matching(log, {}) == Seqs{1, 2});
  FilterOptions exclude;
  exclude.exclude = {"A"};
  CHECK_FALSE(Filter(exclude).takes_all());
}

TEST_CASE("types are globs, and several of them or-ed") {
  const RecordLog log = log_of({record_of("StasisStart"), record_of("StasisEnd"), record_of("ChannelCreated"),
                                record_of("server.connected"), record_of("Dial")});
  FilterOptions options;
  options.types = {"Stasis*"};
  CHECK(matching(log, options) == Seqs{1, 2});
  options.types = {"StasisEnd", "D?al"};
  CHECK(matching(log, options) == Seqs{2, 5});
  options.types = {"[CD]*"};
  CHECK(matching(log, options) == Seqs{3, 5});
  options.types = {"*"};
  CHECK(matching(log, options) == Seqs{1, 2, 3, 4, 5});
  options.types = {"stasisstart", "Stasis", "server"};
  CHECK(matching(log, options).empty());
  options.types = {"server.*"};
  CHECK(matching(log, options) == Seqs{4});
}

TEST_CASE("what is excluded is left out, whatever else asks for it") {
  const RecordLog log = log_of({record_of("ChannelVarset"), record_of("ChannelCreated"), record_of("Dial")});
  FilterOptions options;
  options.exclude = {"*Varset", "Dial"};
  CHECK(matching(log, options) == Seqs{2});
  options.types = {"Channel*", "Dial"};
  CHECK(matching(log, options) == Seqs{2});
}

TEST_CASE("servers and apps are exact names") {
  const RecordLog log = log_of({record_of("A", "pbx1", "demo"), record_of("A", "pbx2", "demo"),
                                record_of("A", "pbx1", "other"), record_of("A", "pbx1", "")});
  FilterOptions options;
  options.servers = {"pbx2", "nowhere"};
  CHECK(matching(log, options) == Seqs{2});
  options.servers = {"pbx*"};
  CHECK(matching(log, options).empty());
  options.servers.clear();
  options.apps = {"demo"};
  CHECK(matching(log, options) == Seqs{1, 2});
  options.apps = {""};
  CHECK(matching(log, options) == Seqs{4});
}

TEST_CASE("different wishes are and-ed") {
  const RecordLog log = log_of({record_of("A", "pbx1", "demo"), record_of("B", "pbx1", "demo"),
                                record_of("A", "pbx2", "demo"), record_of("A", "pbx1", "other")});
  FilterOptions options;
  options.types = {"A"};
  options.servers = {"pbx1"};
  options.apps = {"demo"};
  CHECK(matching(log, options) == Seqs{1});
}

TEST_CASE("ids of one kind are or-ed, kinds are and-ed and never mistaken for each other") {
  record::Record both = with_id(IdKind::channel, "c1");
  both.ids.add(IdKind::bridge, "b1");
  const RecordLog log =
      log_of({with_id(IdKind::channel, "c1"), with_id(IdKind::channel, "c2"), with_id(IdKind::bridge, "c1"),
              both, record_of("A"), with_id(IdKind::endpoint, "PJSIP/100"), with_id(IdKind::playback, "c1")});
  FilterOptions options;
  options.channels = {"c1"};
  CHECK(matching(log, options) == Seqs{1, 4});
  options.channels = {"c1", "c2", "c3"};
  CHECK(matching(log, options) == Seqs{1, 2, 4});
  options.bridges = {"b1"};
  CHECK(matching(log, options) == Seqs{4});
  FilterOptions endpoint;
  endpoint.endpoints = {"PJSIP/100"};
  CHECK(matching(log, endpoint) == Seqs{6});
  endpoint.exclude = {"A"};
  CHECK(matching(log, endpoint).empty());
}

TEST_CASE("a record with more ids than the index keeps is never missed") {
  record::Record many = record_of("A");
  for (int i = 0; i < 2000; ++i) many.ids.add(IdKind::channel, "c" + std::to_string(i));
  const RecordLog log = log_of({record_of("A"), many});
  FilterOptions options;
  options.channels = {"c1999"};
  CHECK(matching(log, options) == Seqs{2});
}

TEST_CASE("with more types than are numbered the filter still sees each one's own") {
  std::vector<record::Record> records;
  for (int i = 0; i < 5000; ++i) records.push_back(record_of("T" + std::to_string(i)));
  records.push_back(record_of("Late", "pbx2", "late\"app"));
  const RecordLog log = log_of(records);
  REQUIRE(log.first() == 1);
  REQUIRE(log.entry(5000).type == 0);
  FilterOptions options;
  options.types = {"T1", "T4990", "T499?"};
  CHECK(matching(log, options) == Seqs{2, 4991, 4992, 4993, 4994, 4995, 4996, 4997, 4998, 4999, 5000});
  FilterOptions late;
  late.servers = {"pbx2"};
  CHECK(matching(log, late) == Seqs{5001});
  late.exclude = {"L*"};
  CHECK(matching(log, late).empty());
  FilterOptions app;
  app.apps = {"late\"app"};
  CHECK(matching(log, app) == Seqs{5001});
}
