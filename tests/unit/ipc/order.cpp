// The answer that tells an id comes before the records about it.
#include "tests/catch.h"
#include "tests/unit/ipc/busy.h"

using namespace aribus;
using aribus::test::Busy;
using aribus::test::Program;

namespace {

constexpr auto chosen_by_daemon = R"({"endpoint":"PJSIP/100","app":"demo"})";

// The id in the request that Asterisk has got.
std::string requested_id(const Busy& daemon) {
  const std::string& request = daemon.asterisk.requests.back();
  return std::string(find_string(test::json(request.substr(request.find("\r\n\r\n") + 4)), "channelId"));
}

}  // namespace

TEST_CASE("a caller hears of an id that the daemon chose in the answer first") {
  Busy daemon;
  Program program(daemon);
  Program other(daemon);
  for (Program* each : {&program, &other}) {
    each->ask("subscribe", "{}", "0");
    CHECK(each->next()["id"].GetInt() == 0);
  }
  program.ask("channels.originate", chosen_by_daemon, "1");
  REQUIRE(daemon.arrived(1));
  CHECK(requested_id(daemon).starts_with("aribus-"));
  daemon.log.append(test::record_of("StasisStart"));
  CHECK(find_string(other.next()["params"], "type") == "StasisStart");  // nobody else waits
  program.ask("ping", "{}", "2");
  CHECK(program.next()["id"].GetInt() == 2);
  daemon.waiting[0]->answer(200, R"({"id":"x"})");
  CHECK(program.next()["id"].GetInt() == 1);
  CHECK(find_string(program.next()["params"], "type") == "StasisStart");
}

TEST_CASE("records wait for the last of several such answers, and for the error as well") {
  Busy daemon;
  Program program(daemon);
  program.ask("subscribe", "{}", "0");
  program.next();
  program.ask("originate", chosen_by_daemon, "1");
  program.ask("bridges.create", "{}", "2");
  REQUIRE(daemon.arrived(2));
  daemon.log.append(test::record_of("StasisStart"));
  daemon.waiting[0]->answer(200, "{}");
  CHECK(program.next().HasMember("result"));
  test::pump_for(daemon.loop, Milliseconds(10));
  CHECK(program.bytes().empty());
  daemon.waiting[1]->answer(400, "{}");
  CHECK(program.next().HasMember("error"));
  CHECK(find_string(program.next()["params"], "type") == "StasisStart");
}

TEST_CASE("in a batch records wait for the answer to the batch") {
  Busy daemon;
  Program program(daemon);
  program.ask("subscribe", "{}", "0");
  program.next();
  program.say(R"([{"jsonrpc":"2.0","id":1,"method":"bridges.create"},)"
              R"({"jsonrpc":"2.0","id":2,"method":"channels.answer","params":{"channelId":"c1"}}])");
  REQUIRE(daemon.arrived(2));
  daemon.log.append(test::record_of("BridgeCreated"));
  const bool create_is_first = daemon.asterisk.requests[0].starts_with("POST /ari/bridges");
  daemon.waiting[create_is_first ? 0 : 1]->answer(200, "{}");
  test::pump_for(daemon.loop, Milliseconds(10));
  CHECK(program.bytes().empty());
  daemon.waiting[create_is_first ? 1 : 0]->answer(204, "");
  CHECK(program.next().IsArray());
  CHECK(find_string(program.next()["params"], "type") == "BridgeCreated");
}

TEST_CASE("records wait for no answer that tells nothing new") {
  Busy daemon({}, {"demo"});
  Program program(daemon);
  program.ask("subscribe", "{}", "0");
  program.next();
  program.ask("originate", R"({"endpoint":"PJSIP/100","channelId":"c1"})", "1");
  program.ask("originate", R"({"endpoint":"PJSIP/100","wait":"answer"})", "2");
  program.ask("channels.get", R"({"channelId":"c2"})", "3");
  program.say(R"({"jsonrpc":"2.0","method":"originate","params":{"endpoint":"PJSIP/100"}})");
  REQUIRE(daemon.arrived(4));
  daemon.log.append(test::record_of("StasisStart"));
  CHECK(find_string(program.next()["params"], "type") == "StasisStart");
}
