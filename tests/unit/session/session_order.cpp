// The answer that tells an id comes before the records about it.
#include <set>

#include "tests/catch.h"
#include "tests/unit/session/busy.h"

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

TEST_CASE("who asked for it is told of an id before the command is sent, and records wait for nothing") {
  Busy daemon;
  Program program(daemon);
  program.ask("subscribe", R"({"announce":true})", "0");
  program.next();
  program.ask("originate", chosen_by_daemon, "\"one\"");
  const Json creating = program.next();
  CHECK(find_string(creating, "method") == "creating");
  CHECK(find_string(creating["params"], "request") == "one");
  REQUIRE(daemon.arrived(1));
  CHECK(find_string(creating["params"], "channelId") == requested_id(daemon));
  daemon.log.append(test::record_of("StasisStart"));
  CHECK(find_string(program.next()["params"], "type") == "StasisStart");
  daemon.waiting[0]->answer(200, R"({"id":"x"})");
  CHECK(find_string(program.next(), "id") == "one");
}

TEST_CASE("every id that the daemon chooses is told, under its parameter's name") {
  Busy daemon({}, {"demo"});
  Program program(daemon);
  program.ask("subscribe", R"({"announce":true})", "0");
  program.next();
  std::set<std::string> ids;
  const auto told = [&](const char* method, const char* params) {
    program.say(R"({"jsonrpc":"2.0","id":1,"method":")" + std::string(method) + R"(","params":)" + params +
                "}");
    const Json creating = program.next();
    INFO(method << ": " << to_text(creating));
    REQUIRE(find_string(creating, "method") == "creating");
    std::string parameter;
    for (const auto& member : creating["params"].GetObject()) parameter = as_view(member.name);
    const std::string id(find_string(creating["params"], parameter));
    CHECK(id.starts_with("aribus-"));
    CHECK(id.size() == 23);
    CHECK(ids.insert(id).second);
    return parameter;
  };
  CHECK(told("originate", R"({"endpoint":"PJSIP/100","wait":"answer"})") == "channelId");
  CHECK(told("originate", R"({"endpoint":"PJSIP/100","app":null})") == "channelId");
  CHECK(told("channels.create", R"({"endpoint":"PJSIP/100","app":"demo"})") == "channelId");
  CHECK(told("channels.externalMedia", R"({"app":"demo","external_host":"h:1","format":"slin"})") ==
        "channelId");
  CHECK(told("channels.snoopChannel", R"({"channelId":"c1","app":"demo"})") == "snoopId");
  CHECK(told("play", R"({"channelId":"c2","media":"sound:x","wait":true})") == "playbackId");
  CHECK(told("channels.play", R"({"channelId":"c3","media":"sound:x"})") == "playbackId");
  CHECK(told("bridges.play", R"({"bridgeId":"b1","media":"sound:x"})") == "playbackId");
  CHECK(told("bridges.create", "{}") == "bridgeId");
  CHECK(told("bridge", R"({"channels":["c4"]})") == "bridgeId");
  daemon.log.append(test::record_of("StasisStart"));
  CHECK(find_string(program.next()["params"], "type") == "StasisStart");
}

TEST_CASE("nothing is told of an id that the program has chosen, nor to who has not asked for it") {
  Busy daemon({}, {"demo"});
  Program program(daemon);
  program.ask("subscribe", R"({"announce":true})", "0");
  program.next();
  program.ask("originate", R"({"endpoint":"PJSIP/100","channelId":"c1"})", "1");
  program.ask("bridges.createWithId", R"({"bridgeId":"b1"})", "2");
  program.ask("originate", R"({"endpoint":"PJSIP/100","nonsense":1})", "3");
  REQUIRE(daemon.arrived(2));
  CHECK(program.next()["id"].GetInt() == 3);
  program.ask("subscribe", "{}", "4");
  CHECK(program.next()["id"].GetInt() == 4);
  program.ask("originate", R"({"endpoint":"PJSIP/100"})", "5");
  REQUIRE(daemon.arrived(3));
  program.ask("ping", "{}", "6");
  CHECK(program.next()["id"].GetInt() == 6);
}

TEST_CASE("who asks for it while commands are under way is told of theirs, and records wait no more") {
  Busy daemon({}, {"demo"});
  Program program(daemon);
  program.ask("subscribe", "{}", "0");
  program.next();
  program.ask("originate", chosen_by_daemon, "1");
  REQUIRE(daemon.arrived(1));
  daemon.log.append(test::record_of("StasisStart"));
  test::pump_for(daemon.loop, Milliseconds(10));
  CHECK(program.bytes().empty());
  program.ask("subscribe", R"({"announce":true,"since":")" + daemon.log.cursor().stream + R"(:0"})", "2");
  CHECK(program.next()["id"].GetInt() == 2);
  CHECK(find_string(program.next()["params"], "channelId") == requested_id(daemon));
  CHECK(find_string(program.next()["params"], "type") == "StasisStart");
}

TEST_CASE("a repeat is told the id that the first one was given") {
  Busy daemon({}, {"demo"});
  Program first(daemon);
  first.ask("originate", R"({"endpoint":"PJSIP/100","key":"k"})", "1");
  REQUIRE(daemon.arrived(1));
  Program second(daemon);
  second.ask("subscribe", R"({"announce":true})", "0");
  second.next();
  second.ask("originate", R"({"endpoint":"PJSIP/100","key":"k"})", "1");
  CHECK(find_string(second.next()["params"], "channelId") == requested_id(daemon));
  daemon.waiting[0]->answer(200, R"({"id":"x"})");
  CHECK(find_string(second.next()["result"], "id") == "x");
  CHECK(daemon.asterisk.requests.size() == 1);
}

TEST_CASE("a request that can't be read is answered with its id, or the number of its line") {
  Busy daemon({.max_line_bytes = 200});
  Program program(daemon);
  const auto answer = [&](const std::string& line) {
    program.say(line);
    return to_text(program.next());
  };
  CHECK_THAT(answer(R"({"jsonrpc":"2.0","id":1,"method":"play","params":{"media":"\ud800"}})"),
             ContainsSubstring(R"("id":1,"error":{"code":-32700)") && !ContainsSubstring("line"));
  CHECK_THAT(answer("nonsense"),
             ContainsSubstring(R"("id":null)") && ContainsSubstring(R"("data":{"line":2})"));
  CHECK_THAT(answer("[]"),
             ContainsSubstring(R"("code":-32600)") && ContainsSubstring(R"("data":{"line":3})"));
  CHECK_THAT(answer(R"({"method":"ping"})"), ContainsSubstring(R"("data":{"line":4})"));
  CHECK_THAT(answer(R"({"jsonrpc":"2.0","id":5,"x":")" + std::string(300, 'x') + "\"}"),
             ContainsSubstring(R"("id":5,"error":{"code":-32600)"));
  CHECK_THAT(answer(R"({"x":")" + std::string(300'000, 'x') + "\",\"id\":6}"),
             ContainsSubstring(R"("data":{"line":6})"));
  program.say("");
  program.say("");
  CHECK_THAT(answer("7"), ContainsSubstring(R"("data":{"line":7})"));
}

TEST_CASE("who asks for it is also told of what waits for the rest of its batch") {
  Busy daemon({}, {"demo"});
  Program program(daemon);
  program.ask("subscribe", "{}", "0");
  program.next();
  program.say(R"([{"jsonrpc":"2.0","id":1,"method":"originate","params":)" + std::string(chosen_by_daemon) +
              R"(},{"jsonrpc":"2.0","id":2,"method":"channels.get","params":{"channelId":"c1"}}])");
  REQUIRE(daemon.arrived(2));
  const bool originate_is_first = daemon.asterisk.requests[0].starts_with("POST");
  const std::string& originate = daemon.asterisk.requests[originate_is_first ? 0 : 1];
  const std::string id(
      find_string(test::json(originate.substr(originate.find("\r\n\r\n") + 4)), "channelId"));
  daemon.waiting[originate_is_first ? 0 : 1]->answer(200, R"({"id":"x"})");
  daemon.log.append(test::record_of("StasisStart"));
  test::pump_for(daemon.loop, Milliseconds(10));
  CHECK(program.bytes().empty());
  program.ask("subscribe", R"({"announce":true,"since":")" + daemon.log.cursor().stream + R"(:0"})", "3");
  CHECK(program.next()["id"].GetInt() == 3);
  const Json creating = program.next();
  CHECK(creating["params"]["request"].GetInt() == 1);
  CHECK(find_string(creating["params"], "channelId") == id);
  CHECK(find_string(program.next()["params"], "type") == "StasisStart");
  daemon.waiting[originate_is_first ? 1 : 0]->answer(404, "{}");
  CHECK(program.next().IsArray());
  daemon.log.append(test::record_of("StasisEnd"));
  CHECK(find_string(program.next()["params"], "type") == "StasisEnd");
}
