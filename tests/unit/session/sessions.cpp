#include "session/sessions.h"

#include <filesystem>

#include "tests/catch.h"
#include "tests/unit/session/daemon.h"

using namespace aribus;
using aribus::test::Daemon;
using aribus::test::Program;

TEST_CASE("a connection over the bound is told why and closed") {
  Daemon daemon({}, 2);
  Program first(daemon), second(daemon);
  REQUIRE(daemon.pump([&] { return daemon.sessions->connections() == 2; }));
  Program third(daemon);
  third.ask("ping");
  const Json answer = third.next();
  CHECK(answer["id"].IsNull());
  CHECK(answer["error"]["code"].GetInt() == -32004);
  CHECK(answer["error"]["data"]["limit"].GetInt() == 2);
  CHECK(third.ended());
  CHECK(third.bytes().empty());
  first.ask("ping");
  CHECK(first.next().HasMember("result"));
  second.close();
  REQUIRE(daemon.pump([&] { return daemon.sessions->connections() == 1; }));
  Program fourth(daemon);
  fourth.ask("ping");
  CHECK(fourth.next().HasMember("result"));
}

TEST_CASE("draining without connections is done at once") {
  Daemon daemon;
  bool drained = false;
  daemon.drain(Milliseconds(60'000), [&] { drained = true; });
  CHECK_FALSE(drained);
  CHECK(test::pump(daemon.loop, [&] { return drained; }));
  CHECK_FALSE(std::filesystem::exists(daemon.path));
}

TEST_CASE("draining delivers the records that a slow subscriber still waits for") {
  Daemon daemon;
  Program slow(daemon);
  slow.ask("subscribe");
  slow.line();
  for (int i = 0; i < 550; ++i) daemon.log.append(test::padded_record(300));
  bool drained = false;
  daemon.drain(Milliseconds(5000), [&] { drained = true; });
  test::pump_for(daemon.loop, Milliseconds(10));
  for (uint64_t seq = 1; seq <= 550; ++seq) REQUIRE(slow.next()["params"]["seq"].GetUint64() == seq);
  CHECK(slow.ended());
  CHECK(daemon.pump([&] { return drained; }));
}
