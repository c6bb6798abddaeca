// What the sessions tell of their connections (daemon.clients).
#include <unistd.h>

#include "tests/catch.h"
#include "tests/unit/session/busy.h"
#include "tests/unit/session/daemon.h"

using namespace aribus;
using aribus::test::Busy;
using aribus::test::Daemon;
using aribus::test::json;
using aribus::test::padded_record;
using aribus::test::Program;
using aribus::test::record_of;

namespace {

Json clients(const Daemon& daemon) {
  return json(to_json(daemon.sessions->clients()));
}

}  // namespace

TEST_CASE("each connection is listed with who it is, what it wants and what it got") {
  Daemon daemon;
  Program program(daemon), other(daemon);
  program.ask("subscribe", R"({"types":["A","B*"],"apps":"demo","announce":true})");
  program.line();
  program.ask("unsubscribe");
  program.line();
  program.ask("subscribe", R"({"types":"A"})");
  program.line();
  for (int i = 0; i < 3; ++i) daemon.log.append(record_of("A"));
  daemon.log.append(record_of("C"));
  for (int i = 0; i < 3; ++i) program.line();
  program.ask("ping");
  program.line();
  other.ask("ping");
  other.line();
  const Json listed = clients(daemon);
  REQUIRE(listed["clients"].Size() == 2);
  const JsonValue& one = listed["clients"][0];
  CHECK(one["id"].GetUint() == 1);
  CHECK(one["pid"].GetInt() == ::getpid());
  CHECK(find_string(one, "program").starts_with("unit_tests"));
  CHECK(one["uid"].GetUint() == ::getuid());
  CHECK(find_string(one, "socket") == daemon.path);
  CHECK(one["requests"].GetUint() == 4);
  CHECK(one["pending"].GetUint() == 0);
  CHECK(one["sent"].GetUint() == 3);
  CHECK(one["behind"].GetUint() == 0);
  CHECK(one["lost"].GetUint() == 0);
  CHECK(to_text(one["subscription"]) == R"({"types":["A"]})");
  CHECK(listed["clients"][1]["subscription"].IsNull());
  CHECK(listed["clients"][1]["requests"].GetUint() == 1);
  CHECK(listed["left"].Size() == 0);
  program.ask("subscribe", R"({"types":["A","B*"],"apps":"demo","announce":true})");
  program.line();
  CHECK(to_text(clients(daemon)["clients"][0]["subscription"]) ==
        R"({"types":["A","B*"],"apps":["demo"],"announce":true})");
}

TEST_CASE("what a program loses without reading is counted, and stays known when it has gone") {
  Daemon daemon;
  Program slow(daemon);
  slow.ask("subscribe", R"({"types":"A"})");
  slow.line();
  while (daemon.log.first() < 500) {
    daemon.log.append(padded_record(1000, "A"));
    if (daemon.log.next() % 100 == 0) daemon.pump([] { return true; });
  }
  const uint64_t lost = clients(daemon)["clients"][0]["lost"].GetUint64();
  CHECK(lost > 0);
  CHECK(lost == daemon.log.first() - 1 - clients(daemon)["clients"][0]["sent"].GetUint64());
  slow.close();
  REQUIRE(daemon.pump([&] { return daemon.sessions->connections() == 0; }));
  const Json listed = clients(daemon);
  CHECK(listed["clients"].Size() == 0);
  REQUIRE(listed["left"].Size() == 1);
  CHECK(listed["left"][0]["lost"].GetUint64() >= lost);
  CHECK(find_string(listed["left"][0], "reason") == "closed by the program");
  CHECK_FALSE(listed["left"][0].HasMember("pending"));
}

TEST_CASE("a connection that was turned away or ended by the daemon is known with the reason") {
  Daemon daemon({}, 1);
  Program first(daemon);
  first.ask("ping");
  first.line();
  Program second(daemon);
  CHECK(second.ended());
  Json listed = clients(daemon);
  REQUIRE(listed["left"].Size() == 1);
  CHECK(find_string(listed["left"][0], "reason").starts_with("turned away: there are 1 connections"));
  daemon.sessions->set_access(control::Access());
  CHECK(first.ended());
  listed = clients(daemon);
  REQUIRE(listed["left"].Size() == 2);
  CHECK(find_string(listed["left"][1], "reason").starts_with("no access rule holds for user"));
}

TEST_CASE("of a long subscription a part is shown") {
  Daemon daemon;
  Program program(daemon);
  std::string channels;
  for (int i = 0; i < 1000; ++i)
    channels += (i > 0 ? ",\"" : "\"") + std::string(100, 'c') + std::to_string(i) + '"';
  program.ask("subscribe", R"({"channels":[)" + channels + "]}");
  program.line();
  const Json listed = clients(daemon);
  const JsonValue& shown = listed["clients"][0]["subscription"];
  CHECK(to_text(shown).size() < 5000);
  CHECK(shown["channels"].Size() + shown["more"].GetUint() == 1000);
}

TEST_CASE("a connection that changed something stays known when it has gone, one that only looked does not") {
  for (const bool changes : {true, false}) {
    INFO(changes);
    Busy daemon;
    Program program(daemon);
    program.ask(changes ? "channels.answer" : "channels.list", changes ? R"({"channelId":"c1"})" : "{}");
    REQUIRE(daemon.arrived(1));
    changes ? daemon.waiting[0]->answer(204, "") : daemon.waiting[0]->answer(200, "[]");
    program.line();
    program.close();
    REQUIRE(daemon.pump([&] { return clients(daemon)["clients"].Empty(); }));
    CHECK(clients(daemon)["left"].Size() == (changes ? 1 : 0));
  }
}
