// Commands under way: their number, their order, their end.
#include "protocol/rpc_code.h"
#include "tests/catch.h"
#include "tests/unit/session/busy.h"

using namespace aribus;
using aribus::test::Busy;
using aribus::test::json;
using aribus::test::Program;

namespace {

std::string channel(const std::string& id) {
  return R"({"channelId":")" + id + "\"}";
}

}  // namespace

TEST_CASE("commands for different things run side by side and are answered as they end") {
  Busy daemon;
  Program program(daemon);
  program.ask("channels.answer", channel("c1"), "1");
  program.ask("channels.answer", channel("c2"), "2");
  REQUIRE(daemon.arrived(2));
  const bool first_is_c1 = daemon.asterisk.requests[0].starts_with("POST /ari/channels/c1/");
  daemon.waiting[first_is_c1 ? 1 : 0]->answer(204, "");
  CHECK(program.next()["id"].GetInt() == 2);
  daemon.waiting[first_is_c1 ? 0 : 1]->answer(204, "");
  CHECK(program.next()["id"].GetInt() == 1);
}

TEST_CASE("commands that name the same thing reach Asterisk in the order sent") {
  Busy daemon;
  Program program(daemon);
  program.ask("channels.answer", channel("c1"), "1");
  program.ask("bridges.addChannel", R"({"bridgeId":"b1","channel":["c2","c1"]})", "2");
  program.ask("bridges.destroy", R"({"bridgeId":"b1"})", "3");
  REQUIRE(daemon.arrived(1));
  for (size_t i = 0; i < 3; ++i) {
    test::pump_for(daemon.loop, Milliseconds(10));
    REQUIRE(daemon.asterisk.requests.size() == i + 1);
    daemon.waiting[i]->answer(204, "");
    CHECK(program.next()["id"].GetUint64() == i + 1);
  }
  CHECK(daemon.asterisk.requests[0].starts_with("POST /ari/channels/c1/answer"));
  CHECK(daemon.asterisk.requests[1].starts_with("POST /ari/bridges/b1/addChannel"));
  CHECK(daemon.asterisk.requests[2].starts_with("DELETE /ari/bridges/b1"));
}

TEST_CASE("a command that fails at once lets those behind it go on") {
  Busy daemon;
  Program program(daemon);
  program.ask("channels.answer", channel("c1"), "1");
  program.ask("channels.hangup", R"({"channelId":"c1","reason":"because"})", "2");
  program.ask("channels.hangup", channel("c1"), "3");
  REQUIRE(daemon.arrived(1));
  daemon.waiting[0]->answer(204, "");
  CHECK(program.next()["id"].GetInt() == 1);
  CHECK(program.next().HasMember("error"));
  REQUIRE(daemon.arrived(2));
  daemon.waiting[1]->answer(204, "");
  CHECK(program.next()["id"].GetInt() == 3);
}

TEST_CASE("of more commands than the bound the rest is refused, until one is answered") {
  Busy daemon;
  Program program(daemon);
  for (int i = 0; i < 66; ++i)
    program.ask("channels.answer", channel("c" + std::to_string(i)), std::to_string(i));
  REQUIRE(daemon.arrived(64));
  for (int i = 64; i < 66; ++i) {
    const Json answer = program.next();
    CHECK(answer["id"].GetInt() == i);
    CHECK(answer["error"]["code"].GetInt() == -32004);
    CHECK(answer["error"]["data"]["limit"].GetInt() == 64);
  }
  Program other(daemon);  // the bound is of one connection
  other.ask("ping");
  CHECK(other.next().HasMember("result"));
  daemon.waiting[0]->answer(204, "");
  CHECK(program.next().HasMember("result"));
  program.ask("channels.answer", channel("c99"), "99");
  CHECK(daemon.arrived(65));
}

TEST_CASE("a batch is answered when its last command is") {
  Busy daemon;
  Program program(daemon);
  program.say(R"([{"jsonrpc":"2.0","id":1,"method":"channels.answer","params":{"channelId":"c1"}},)"
              R"({"jsonrpc":"2.0","id":2,"method":"ping"}])");
  program.ask("ping", "{}", "3");
  CHECK(program.next()["id"].GetInt() == 3);
  REQUIRE(daemon.arrived(1));
  daemon.waiting[0]->answer(204, "");
  const Json answers = program.next();
  REQUIRE(answers.IsArray());
  CHECK(answers.Size() == 2);
}

TEST_CASE("a half-closed program still gets the answer that takes its time") {
  Busy daemon;
  Program program(daemon);
  program.ask("channels.answer", channel("c1"), "1");
  program.finish_sending();
  REQUIRE(daemon.arrived(1));
  test::pump_for(daemon.loop, Milliseconds(10));
  daemon.waiting[0]->answer(204, "");
  CHECK(program.next()["id"].GetInt() == 1);
  CHECK(program.ended());
}

TEST_CASE("the answer to a program that went away goes nowhere") {
  Busy daemon;
  {
    Program program(daemon);
    program.ask("channels.answer", channel("c1"), "1");
    REQUIRE(daemon.arrived(1));
  }
  REQUIRE(daemon.pump([&] { return daemon.sessions->connections() == 0; }));
  daemon.waiting[0]->answer(204, "");
  CHECK(daemon.pump([&] { return daemon.pbx.client().open_requests() == 0; }));
}

TEST_CASE("draining waits for the commands under way and removes the socket's file at once") {
  Busy daemon;
  Program program(daemon);
  program.ask("subscribe", "{}", "0");
  program.ask("channels.answer", channel("c1"), "1");
  REQUIRE(daemon.arrived(1));
  bool drained = false;
  daemon.log.append(test::record_of("Last"));
  daemon.drain(Milliseconds(5000), [&] { drained = true; });
  CHECK_FALSE(std::filesystem::exists(daemon.path));
  test::pump_for(daemon.loop, Milliseconds(10));
  CHECK_FALSE(drained);
  daemon.waiting[0]->answer(204, "");
  REQUIRE(daemon.pump([&] { return drained; }));
  CHECK(program.ended());
  CHECK_THAT(program.bytes(), ContainsSubstring("\"Last\"") && ContainsSubstring(R"("id":1,"result":null)"));
}

TEST_CASE("draining does not wait for ever") {
  Busy daemon;
  Program program(daemon);
  program.ask("channels.answer", channel("c1"), "1");
  REQUIRE(daemon.arrived(1));
  bool drained = false;
  daemon.drain(Milliseconds(30), [&] { drained = true; });
  CHECK(daemon.pump([&] { return drained; }));
  CHECK(daemon.sessions->connections() == 0);
  CHECK(program.ended());
}

TEST_CASE("a subscription made in a batch starts behind the batch's answer, and misses nothing") {
  Busy daemon;
  Program program(daemon);
  program.say(R"([{"jsonrpc":"2.0","id":1,"method":"channels.answer","params":{"channelId":"c1"}},)"
              R"({"jsonrpc":"2.0","id":2,"method":"subscribe"}])");
  REQUIRE(daemon.arrived(1));
  daemon.log.append(test::record_of("Meanwhile"));
  program.ask("ping", "{}", "3");
  CHECK(program.next()["id"].GetInt() == 3);
  daemon.waiting[0]->answer(204, "");
  const Json answers = program.next();
  REQUIRE(answers.IsArray());
  CHECK(answers.Size() == 2);
  CHECK(find_string(program.next()["params"], "type") == "Meanwhile");
  daemon.log.append(test::record_of("After"));
  CHECK(find_string(program.next()["params"], "type") == "After");
}

TEST_CASE("a command that names more ids than anybody has is refused") {
  Busy daemon;
  Program program(daemon);
  std::string ids;
  for (int i = 0; i < 1024; ++i) ids += (ids.empty() ? "\"c" : ",\"c") + std::to_string(i) + '"';
  program.ask("bridges.addChannel", R"({"bridgeId":"b1","channel":[)" + ids + "]}");
  CHECK_THAT(std::string(find_string(program.next()["error"], "message")),
             ContainsSubstring("1025 ids are named; at most 1024"));
  CHECK(daemon.asterisk.requests.empty());
}

TEST_CASE("while answers wait unread, commands that waited for others are not started") {
  session::SessionLimits limits;
  limits.max_unsent_bytes = 4096;
  Busy daemon(limits);
  Program program(daemon);
  for (int i = 1; i <= 3; ++i) program.ask("channels.get", channel("c1"), std::to_string(i));
  REQUIRE(daemon.arrived(1));
  daemon.waiting[0]->answer(200, R"({"id":"c1","name":")" + std::string(8 << 20, 'x') + "\"}");
  test::pump_for(daemon.loop, Milliseconds(100));
  CHECK(daemon.asterisk.requests.size() == 1);
  CHECK(program.next()["id"].GetInt() == 1);
  REQUIRE(daemon.arrived(2));
  daemon.waiting[1]->answer(200, "{}");
  REQUIRE(daemon.arrived(3));
}

TEST_CASE("a command that waits for an event holds up none that came after it, once Asterisk has it") {
  Busy daemon({}, {"demo"});
  Program program(daemon);
  program.ask("play", R"({"channelId":"c1","media":"sound:x","playbackId":"p1","wait":true})", "1");
  program.ask("hangup", channel("c1"), "2");
  REQUIRE(daemon.arrived(1));
  test::pump_for(daemon.loop, Milliseconds(20));
  CHECK(daemon.asterisk.requests.size() == 1);  // not before Asterisk has the first
  daemon.waiting[0]->answer(201, "{}");
  REQUIRE(daemon.arrived(2));
  daemon.waiting[1]->answer(204, "");
  CHECK(program.next()["id"].GetInt() == 2);
  const std::string finished =
      R"({"type":"PlaybackFinished","application":"demo","playback":{"id":"p1","state":"failed"}})";
  daemon.pbx.event(finished);
  const Json answer = program.next();
  CHECK(answer["id"].GetInt() == 1);
  CHECK(find_string(answer["result"], "state") == "failed");
}

TEST_CASE("a half-closed program ends when its last command does, though it gets no answer") {
  Busy daemon;
  Program program(daemon);
  program.say(R"({"jsonrpc":"2.0","method":"channels.answer","params":{"channelId":"c1"}})");
  program.finish_sending();
  REQUIRE(daemon.arrived(1));
  test::pump_for(daemon.loop, Milliseconds(10));
  daemon.waiting[0]->answer(204, "");
  CHECK(program.ended());
}

TEST_CASE("records held for a batch that gets no answer come when it is done") {
  Busy daemon;
  Program program(daemon);
  program.say(R"([{"jsonrpc":"2.0","method":"channels.answer","params":{"channelId":"c1"}},)"
              R"({"jsonrpc":"2.0","method":"subscribe"}])");
  REQUIRE(daemon.arrived(1));
  daemon.log.append(test::record_of("Meanwhile"));
  test::pump_for(daemon.loop, Milliseconds(10));
  CHECK(program.bytes().empty());
  daemon.waiting[0]->answer(204, "");
  CHECK(find_string(program.next()["params"], "type") == "Meanwhile");
}

TEST_CASE("a command that waits is refused when the rule of its user is gone by then") {
  Busy daemon;
  Program program(daemon);
  program.ask("channels.answer", R"({"channelId":"c1"})", "1");
  REQUIRE(daemon.arrived(1));
  program.ask("channels.hangup", R"({"channelId":"c1"})", "2");
  program.ask("ping", "{}", "3");
  CHECK(program.next()["id"].GetInt() == 3);
  daemon.set_rule({.name = "nobody", .users = {54321}, .methods = {"read", "control"}});
  CHECK(program.next()["id"].IsNull());  // why the connection is closed
  daemon.waiting[0]->answer(204, "");
  CHECK(program.next()["id"].GetInt() == 1);  // it was under way
  const Json refused = program.next();
  CHECK(refused["id"].GetInt() == 2);
  CHECK(refused["error"]["code"].GetInt() == code_of(ErrorKind::not_allowed));
  CHECK(program.ended());
  CHECK(daemon.asterisk.requests.size() == 1);
}

TEST_CASE("a command that waits is checked by the rule of when it starts") {
  Busy daemon;
  Program program(daemon);
  program.ask("channels.answer", R"({"channelId":"c1"})", "1");
  REQUIRE(daemon.arrived(1));
  program.ask("channels.hangup", R"({"channelId":"c1"})", "2");
  program.ask("ping", "{}", "3");
  CHECK(program.next()["id"].GetInt() == 3);
  daemon.set_rule({.name = "readers", .methods = {"read"}});
  daemon.waiting[0]->answer(204, "");
  CHECK(program.next()["id"].GetInt() == 1);
  const Json refused = program.next();
  CHECK(refused["error"]["code"].GetInt() == code_of(ErrorKind::not_allowed));
  CHECK_THAT(std::string(find_string(refused["error"], "message")), ContainsSubstring("readers"));
}
