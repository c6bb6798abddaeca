// Records on their way to programs.
#include <unistd.h>

#include "tests/catch.h"
#include "tests/unit/session/daemon.h"

using namespace aribus;
using aribus::test::Daemon;
using aribus::test::json;
using aribus::test::padded_record;
using aribus::test::Program;
using aribus::test::record_of;

namespace {

uint64_t seq_of(const Json& event) {
  return find(*find(event, "params"), "seq")->GetUint64();
}

}  // namespace

TEST_CASE("a subscriber gets the records after its answer, as they are in the log") {
  Daemon daemon;
  Program program(daemon);
  daemon.log.append(record_of("Before"));
  program.ask("subscribe");
  CHECK(program.line() ==
        R"({"jsonrpc":"2.0","id":1,"result":{"cursor":")" + daemon.log.stream() + R"(:1"}})");
  daemon.log.append(record_of("After"));
  const std::string line = program.line();
  CHECK(line + "\n" == daemon.log.line(2));
}

TEST_CASE("resuming delivers what was missed, behind the answer and in order") {
  Daemon daemon;
  for (int i = 0; i < 50; ++i) daemon.log.append(record_of("A"));
  Program program(daemon);
  program.ask("subscribe", R"({"since":")" + daemon.log.stream() + R"(:10"})");
  CHECK(program.next()["result"]["resumed"].GetBool());
  for (uint64_t seq = 11; seq <= 50; ++seq) REQUIRE(seq_of(program.next()) == seq);
}

TEST_CASE("subscribing again replaces the filter, unsubscribing ends delivery") {
  Daemon daemon;
  Program program(daemon);
  program.ask("subscribe", R"({"types":"A"})");
  program.ask("subscribe", R"({"types":"B"})");
  program.line();
  program.line();
  CHECK(daemon.sessions->behind().size() == 1);
  daemon.log.append(record_of("A"));
  daemon.log.append(record_of("B"));
  CHECK(seq_of(program.next()) == 2);
  program.ask("unsubscribe");
  CHECK(program.next()["result"]["cursor"] == json('"' + daemon.log.stream() + ":2\""));
  CHECK(daemon.sessions->behind().size() == 0);
  daemon.log.append(record_of("B"));
  program.ask("ping");
  CHECK(program.next().HasMember("result"));
}

TEST_CASE("a subscription that is refused leaves the one before in place") {
  Daemon daemon;
  Program program(daemon);
  program.ask("subscribe", R"({"types":"A"})");
  program.ask("subscribe", R"({"typo":"B"})");
  program.line();
  CHECK(find(program.next(), "error") != nullptr);
  daemon.log.append(record_of("B"));
  daemon.log.append(record_of("A"));
  CHECK(seq_of(program.next()) == 2);
}

TEST_CASE("a program that never reads does not keep another from getting every record") {
  Daemon daemon;
  Program idle(daemon), eager(daemon);
  idle.ask("subscribe");
  eager.ask("subscribe");
  REQUIRE(daemon.pump([&] { return daemon.sessions->behind().size() == 2; }));
  eager.line();
  constexpr uint64_t count = 5000;  // ten times the ring
  for (uint64_t seq = 1; seq <= count; ++seq) {
    daemon.log.append(padded_record(400));
    if (seq % 50 != 0) continue;
    for (uint64_t expected = seq - 49; expected <= seq; ++expected) {
      REQUIRE(seq_of(eager.next()) == expected);
    }
  }
  CHECK(daemon.log.first() > count / 2);
}

TEST_CASE("a slow reader is told what it lost in its place, and nothing comes twice or in the wrong order") {
  Daemon daemon;
  Program slow(daemon);
  slow.ask("subscribe");
  slow.line();
  for (int i = 0; i < 5000; ++i) {
    daemon.log.append(padded_record(static_cast<size_t>(300 + i % 200)));
    if (i % 20 == 0) uv_run(daemon.loop.raw(), UV_RUN_NOWAIT);
    if (i % 200 == 0) slow.read(7777);
  }
  uint64_t expected = 1, lost = 0;
  while (expected <= 5000) {
    const Json line = slow.next();
    if (find_string(line, "method") == "event") {
      REQUIRE(seq_of(line) == expected++);
      continue;
    }
    REQUIRE(find_string(line, "method") == "lost");
    const JsonValue& params = *find(line, "params");
    REQUIRE(find(params, "from")->GetUint64() == expected);
    const uint64_t to = find(params, "to")->GetUint64();
    REQUIRE(find(params, "records")->GetUint64() == to - expected + 1);
    lost += to - expected + 1;
    expected = to + 1;
  }
  CHECK(lost > 0);
  CHECK(expected == 5001);
  slow.ask("ping");
  CHECK(find(slow.next(), "result") != nullptr);
}

TEST_CASE("a reader that asked for it is disconnected when it lost records, and told so first") {
  Daemon daemon;
  Program slow(daemon);
  slow.ask("subscribe", R"({"on_overflow":"disconnect"})");
  slow.line();
  for (int i = 0; i < 5000; ++i) {
    daemon.log.append(padded_record(400));
    if (i % 20 == 0) uv_run(daemon.loop.raw(), UV_RUN_NOWAIT);
  }
  uint64_t expected = 1;
  Json line = slow.next();
  for (; find_string(line, "method") == "event"; line = slow.next()) REQUIRE(seq_of(line) == expected++);
  CHECK(find_string(line, "method") == "lost");
  CHECK(find(*find(line, "params"), "from")->GetUint64() == expected);
  CHECK(slow.ended());
  CHECK(slow.bytes().empty());
}

TEST_CASE("a record is never cut by an answer") {
  Daemon daemon;
  Program program(daemon);
  program.ask("subscribe");
  program.line();
  for (int i = 0; i < 450; ++i) daemon.log.append(padded_record(380));
  test::pump_for(daemon.loop, Milliseconds(5));  // the socket is full, in the middle of a record
  for (int i = 0; i < 5; ++i) program.ask("ping", "{}", std::to_string(i));
  test::pump_for(daemon.loop, Milliseconds(5));
  int events = 0, answers = 0;
  while (events < 450 || answers < 5) {
    const Json line = program.next();
    if (find(line, "method") != nullptr) {
      REQUIRE(seq_of(line) == static_cast<uint64_t>(++events));
    } else {
      REQUIRE(line["id"].GetInt() == answers++);
    }
  }
  CHECK(events == 450);
}

TEST_CASE("who goes on over a damaged record is told of it and stays connected, even with disconnect") {
  const test::TempDir directory;
  const std::string path = directory.path("bus.log");
  constexpr size_t ring_bytes = bus::RecordLog::min_ring_bytes;
  size_t place = 0;
  {
    auto log = bus::RecordLog::make({.ring_bytes = ring_bytes, .path = path}, test::framing);
    REQUIRE(log.ok());
    for (int i = 0; i < 3; ++i) log->append(record_of("Any"));
    place = static_cast<size_t>(::sysconf(_SC_PAGESIZE)) + log->entry(2).offset + 20;
  }
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(place));
  file << '\n' << std::flush;
  Daemon daemon({}, 10, ring_bytes, path);
  Program program(daemon);
  program.ask("subscribe", R"({"since":")" + daemon.log.stream() + R"(:0","on_overflow":"disconnect"})");
  CHECK(program.next()["result"]["resumed"].GetBool());
  CHECK(seq_of(program.next()) == 1);
  CHECK(program.line() == R"({"jsonrpc":"2.0","method":"lost","params":{"from":2,"to":2,"records":1}})");
  CHECK(seq_of(program.next()) == 3);
  daemon.log.append(record_of("Next"));
  CHECK(seq_of(program.next()) == 4);
}
