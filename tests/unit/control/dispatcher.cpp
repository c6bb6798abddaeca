#include "control/dispatcher.h"

#include <algorithm>

#include "tests/catch.h"
#include "tests/unit/control/caller.h"
#include "tests/unit/pbx/test_server.h"

using namespace aribus;
using namespace aribus::control;
using namespace aribus::pbx;
using aribus::record::IdKind;
using aribus::test::FakeAsterisk;
using aribus::test::json;
using aribus::test::pump;
using Strings = std::vector<std::string>;

namespace {

// A dispatcher of scripted Asterisks, each held by a client without an event stream.
struct Servers {
  Loop loop;
  std::vector<std::unique_ptr<FakeAsterisk>> asterisks;
  std::vector<std::unique_ptr<test::TestServer>> servers;
  MethodTable methods;
  Dispatcher dispatcher{methods};
  FakeAsterisk::Script script;

  explicit Servers(const Strings& names, FakeAsterisk::Script answers = test::behave_well)
      : script(std::move(answers)) {
    test::add_asterisk_methods(methods);
    for (const std::string& name : names) {
      asterisks.push_back(std::make_unique<FakeAsterisk>(loop, script));
      ari::ClientOptions options = test::client_options(asterisks.back()->url());
      options.request_timeout = Milliseconds(1000);
      servers.push_back(std::make_unique<test::TestServer>(loop, options, name));
      dispatcher.add_server(*servers.back());
    }
  }
  void connect() {
    for (size_t i = 0; i < servers.size(); ++i) {
      servers[i]->connect_to(loop, *asterisks[i]);
      asterisks[i]->set_script(script);
    }
  }
  Result<std::string> call(const std::string& method, std::string_view params) {
    std::optional<Result<std::string>> answer;
    const Json parsed = json(params);
    dispatcher.call(aribus::test::a_caller(), method, parsed,
                    [&](const Result<ResultText>& got) { answer = aribus::test::text_of(got); });
    REQUIRE(pump(loop, [&] { return answer.has_value(); }));
    return *answer;
  }
  Error refused(const std::string& method, std::string_view params) {
    const auto answer = call(method, params);
    REQUIRE_FALSE(answer.ok());
    return answer.error();
  }
};

}  // namespace

TEST_CASE("an unknown method is answered with the nearest one") {
  Servers servers({"pbx1"});
  const Error error = servers.refused("channels.anwser", "{}");
  CHECK(error.kind == ErrorKind::unknown_method);
  CHECK_THAT(error.message,
             ContainsSubstring("no method 'channels.anwser'; did you mean 'channels.answer'?"));
  CHECK(servers.refused("", "null").kind == ErrorKind::unknown_method);
}

TEST_CASE("a method of the daemon's own answers without an Asterisk and takes no parameters") {
  Servers servers({});
  servers.methods.add({.name = "ping", .run_here = [](const JsonValue&, const control::Caller&) {
                         return ResultText("\"pong\"");
                       }});
  CHECK(*servers.call("ping", "null") == "\"pong\"");
  CHECK(*servers.call("ping", "{}") == "\"pong\"");
  CHECK(servers.refused("ping", R"({"x":1})").kind == ErrorKind::invalid_params);
  CHECK_THAT(servers.refused("pin", "{}").message, ContainsSubstring("'ping'"));
}

TEST_CASE("parameters in an array are refused") {
  Servers servers({"pbx1"});
  CHECK(servers.refused("channels.list", "[]").kind == ErrorKind::invalid_params);
}

TEST_CASE("a command to an Asterisk that is not connected says that nothing was sent") {
  Servers servers({"pbx1"});
  const Error error = servers.refused("channels.answer", R"({"channelId":"c1"})");
  CHECK(error.kind == ErrorKind::not_connected);
  CHECK_THAT(error.message, ContainsSubstring("'pbx1'") && ContainsSubstring("nothing was sent"));
  CHECK(find_string(json(error.data), "server") == "pbx1");
}

TEST_CASE("parameters are checked before anything is sent") {
  Servers servers({"pbx1"});
  servers.connect();
  CHECK(servers.refused("channels.answer", "{}").kind == ErrorKind::invalid_params);
  CHECK(servers.refused("channels.answer", R"({"chanelId":"c1"})").kind == ErrorKind::invalid_params);
  CHECK(servers.refused("channels.hangup", R"({"channelId":"c1","reason":"because"})").kind ==
        ErrorKind::invalid_params);
  CHECK(servers.asterisks[0]->requests.empty());
}

TEST_CASE("a command reaches Asterisk, and an answer without content is null") {
  Servers servers({"pbx1"});
  servers.connect();
  CHECK(*servers.call("channels.answer", R"({"channelId":"c1"})") == "null");
  CHECK(*servers.call("channels.answer", R"({"channelId":"c1","server":"pbx1"})") == "null");
  CHECK(servers.asterisks[0]->count("POST /ari/channels/c1/answer ") == 2);
}

TEST_CASE("a server's name is checked, and the nearest is told") {
  Servers servers({"pbx1", "pbx2"});
  const Error error = servers.refused("channels.list", R"({"server":"pbx3"})");
  CHECK(error.kind == ErrorKind::invalid_params);
  CHECK_THAT(error.message, ContainsSubstring("server: one of pbx1, pbx2 is expected, not 'pbx3'") &&
                                ContainsSubstring("did you mean"));
  CHECK_THAT(servers.refused("channels.list", R"({"server":1})").message, ContainsSubstring("a string"));
}

TEST_CASE("among several servers a command goes to the one named, or where its id lives") {
  Servers servers({"pbx1", "pbx2"});
  servers.connect();
  CHECK_THAT(servers.refused("channels.list", "{}").message, ContainsSubstring("server: missing"));
  CHECK_THAT(servers.refused("channels.answer", R"({"channelId":"c1"})").message,
             ContainsSubstring("server: missing"));
  REQUIRE(servers.call("channels.answer", R"({"channelId":"c1","server":"pbx1"})").ok());
  record::Record record = test::record_of("StasisStart", "pbx2");
  record.ids.add(IdKind::channel, "c1");
  servers.servers[1]->publish(record);
  REQUIRE(servers.call("channels.answer", R"({"channelId":"c1"})").ok());
  CHECK(servers.asterisks[0]->requests.size() == 1);
  CHECK(servers.asterisks[1]->requests.size() == 1);
}

TEST_CASE("where something lives is known from the answer that made it") {
  Servers servers({"pbx1", "pbx2"}, [](auto& peer, const std::string& request) {
    request.starts_with("POST /ari/bridges ")
        ? peer.answer(200, R"({"id":"b1","bridge_type":"mixing","technology":"","channels":[]})")
        : test::behave_well(peer, request);
  });
  servers.connect();
  REQUIRE(servers.call("bridges.create", R"({"server":"pbx2"})").ok());
  REQUIRE(servers.call("bridges.destroy", R"({"bridgeId":"b1"})").ok());
  CHECK(servers.asterisks[1]->count("DELETE /ari/bridges/b1 ") == 1);
}

TEST_CASE("where something lives is known from every answer that names it") {
  Servers servers({"pbx1", "pbx2"}, [](auto& peer, const std::string& request) {
    if (request.starts_with("GET /ari/channels/c7 "))
      return peer.answer(200, R"({"id":"c7","name":"PJSIP/7","state":"Up"})");
    if (request.starts_with("POST /ari/channels/c8/play"))
      return peer.answer(201,
                         R"({"id":"p1","media_uri":"sound:x","target_uri":"channel:c8","state":"queued"})");
    test::behave_well(peer, request);
  });
  servers.connect();
  REQUIRE(servers.call("ari.request", R"({"server":"pbx2","method":"GET","path":"/channels/c7"})").ok());
  REQUIRE(servers.call("channels.hangup", R"({"channelId":"c7"})").ok());
  CHECK(servers.asterisks[1]->count("DELETE /ari/channels/c7 ") == 1);
  REQUIRE(servers.call("channels.play", R"({"server":"pbx2","channelId":"c8","media":"sound:x"})").ok());
  REQUIRE(servers.call("channels.hangup", R"({"channelId":"c8"})").ok());
  CHECK(servers.asterisks[1]->count("DELETE /ari/channels/c8 ") == 1);
}

TEST_CASE("a method may be answered later") {
  Servers servers({});
  Reply waiting;
  servers.methods.add(
      {.name = "slow", .run_later = [&](const JsonValue&, Reply reply) { waiting = std::move(reply); }});
  std::optional<Result<std::string>> answer;
  servers.dispatcher.call(aribus::test::a_caller(), "slow", json("{}"),
                          [&](const Result<ResultText>& got) { answer = aribus::test::text_of(got); });
  CHECK_FALSE(answer);
  waiting(ResultText("1"));
  CHECK(**answer == "1");
  CHECK(servers.refused("slow", R"({"x":1})").kind == ErrorKind::invalid_params);
}

TEST_CASE("an Asterisk that is closed is not there for commands") {
  Servers servers({"pbx1", "pbx2"});
  servers.servers[1]->leave("it is gone", Milliseconds(0), [] {});
  CHECK_THAT(servers.refused("channels.list", R"({"server":"pbx2"})").message,
             ContainsSubstring("one of pbx1 is"));
  CHECK(servers.refused("channels.list", "{}").kind == ErrorKind::not_connected);  // pbx1 is the only one
  servers.dispatcher.remove_server(*servers.servers[1]);
  REQUIRE(servers.dispatcher.servers().size() == 1);
  CHECK(servers.dispatcher.servers()[0]->name() == "pbx1");
}
