// What becomes of Asterisk's answers.
#include "control/dispatcher.h"
#include "tests/catch.h"
#include "tests/unit/control/caller.h"
#include "tests/unit/pbx/test_server.h"

using namespace aribus;
using namespace aribus::control;
using namespace aribus::pbx;
using aribus::test::FakeAsterisk;
using aribus::test::json;
using aribus::test::pump;

namespace {

// One connected Asterisk that answers everything but `info` by `script`.
struct AnswersStage {
  Loop loop;
  FakeAsterisk asterisk{loop, test::behave_well};
  Dispatcher dispatcher{test::asterisk_methods()};
  test::TestServer server{loop, options(asterisk)};

  static ari::ClientOptions options(const FakeAsterisk& asterisk) {
    ari::ClientOptions options = test::client_options(asterisk.url());
    options.request_timeout = Milliseconds(80);
    return options;
  }
  explicit AnswersStage(FakeAsterisk::Script script) {
    dispatcher.add_server(server);
    server.connect_to(loop, asterisk);
    asterisk.set_script(std::move(script));
  }
  Result<std::string> call(const std::string& method, std::string_view params) {
    std::optional<Result<std::string>> answer;
    dispatcher.call(aribus::test::a_caller(), method, json(params),
                    [&](const Result<ResultText>& got) { answer = aribus::test::text_of(got); });
    REQUIRE(pump(loop, [&] { return answer.has_value(); }));
    return *answer;
  }
};

constexpr std::string_view channel_params = R"({"channelId":"c1"})";

}  // namespace

TEST_CASE("an answer is made regular, as records are") {
  AnswersStage stage([](auto& peer, auto&) {
    peer.answer(200, R"([{"id":"b1","creationtime":"2026-11-22T23:47:29.970+0100","video_mode":null}])");
  });
  CHECK(*stage.call("bridges.list", "{}") == R"([{"id":"b1","creationtime":"2026-11-22T22:47:29.970Z"}])");
}

TEST_CASE("a refusal is told in Asterisk's words, with its facts") {
  AnswersStage stage([](auto& peer, auto&) { peer.answer(404, R"({"message":"Channel not found"})"); });
  const auto answer = stage.call("channels.answer", channel_params);
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().kind == ErrorKind::refused);
  CHECK(answer.error().message == "Asterisk refused: Channel not found (404)");
  CHECK(json(answer.error().data) == json(R"({"status":404,"message":"Channel not found","method":"POST",)"
                                          R"("path":"/channels/{channelId}/answer"})"));
}

TEST_CASE("a refusal that is no JSON is told all the same") {
  AnswersStage html([](auto& peer, auto&) { peer.answer(500, "<html><p>It broke</p></html>"); });
  CHECK(html.call("channels.answer", channel_params).error().message == "Asterisk refused: It broke (500)");
  AnswersStage odd([](auto& peer, auto&) { peer.answer(500, "\xFF"); });
  CHECK(odd.call("channels.answer", channel_params).error().message ==
        "Asterisk refused: \xEF\xBF\xBD (500)");
  AnswersStage error([](auto& peer, auto&) { peer.answer(400, R"({"error":"Bad thing"})"); });
  CHECK_THAT(error.call("channels.answer", channel_params).error().message, ContainsSubstring("Bad thing"));
}

TEST_CASE("binary content comes in base64") {
  AnswersStage stage([](auto& peer, auto&) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nContent-Length: 4\r\n\r\n\x01\xFF{}");
  });
  const Json answer = json(*stage.call("recordings.getStoredFile", R"({"recordingName":"a/b"})"));
  CHECK(answer == json(R"({"content_type":"audio/wav","encoding":"base64","data":"Af97fQ=="})"));
  CHECK(stage.asterisk.count("GET /ari/recordings/stored/a%2Fb/file ") == 1);
}

TEST_CASE("an answer that clients could not read is an error that says why") {
  const auto nested = [](size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  const auto ask = [](const std::string& body) {
    AnswersStage stage([&](auto& peer, auto&) {
      peer.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
    });
    return stage.call("ari.request", R"({"method":"GET","path":"/asterisk/odd"})");
  };
  CHECK(ask(nested(max_json_depth)).ok());
  for (const auto& [body, why] : {std::pair(nested(max_json_depth + 1), "deeper than 64 levels"),
                                  std::pair(std::string("[1e400]"), "out of the range of a double"),
                                  std::pair(std::string("{\"a\":"), "no JSON")}) {
    const auto answer = ask(body);
    INFO(body);
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().kind == ErrorKind::refused);
    CHECK_THAT(answer.error().message, ContainsSubstring(why));
  }
}

TEST_CASE("an answer of 200 that is not the operation's is no result") {
  struct Case {
    std::string type, body, why;
  };
  const std::string html = "<html><body>Please log in</body></html>";
  for (const Case& one : {Case{"text/html", html, "39 bytes of text/html"},
                          Case{"text/html", html + std::string(100'000, ' '), "bytes of text/html"},
                          Case{"application/json", R"({"id":"p1",)", "no JSON: "},
                          Case{"text/plain", R"({"id":"p1",)", "no JSON: "},
                          Case{"application/json", "\x1f\x8b\x08", "3 bytes of application/json"}}) {
    AnswersStage stage([&](auto& peer, auto&) {
      peer.send("HTTP/1.1 200 OK\r\nContent-Type: " + one.type +
                "\r\nContent-Length: " + std::to_string(one.body.size()) + "\r\n\r\n" + one.body);
    });
    for (const auto& [method, params, kind] :
         {std::tuple("channels.get", R"({"channelId":"c1"})", ErrorKind::refused),
          std::tuple("channels.play", R"({"channelId":"c1","media":"sound:x","playbackId":"p1"})",
                     ErrorKind::outcome_unknown),
          std::tuple("channels.hangup", R"({"channelId":"c1"})", ErrorKind::outcome_unknown)}) {
      INFO(method << " " << one.type << " " << one.why);
      const auto answer = stage.call(method, params);
      REQUIRE_FALSE(answer.ok());
      CHECK(answer.error().kind == kind);
      CHECK_THAT(answer.error().message, ContainsSubstring(one.why));
      const Json data = json(answer.error().data);
      CHECK(find(data, "status")->GetInt() == 200);
      CHECK(find_string(data, "content_type") == one.type);
    }
  }
  AnswersStage stage([](auto& peer, auto&) { peer.answer(200, "plain"); });
  CHECK_THAT(*stage.call("ari.request", R"({"method":"GET","path":"/x"})"), ContainsSubstring("base64"));
}

TEST_CASE("a refusal says what its status means where its text does not") {
  for (const auto& [status, body, hint] :
       {std::tuple(401, R"({"message":"Authentication required"})", "`username` and `password`"),
        std::tuple(401, "", "`username` and `password`"),
        std::tuple(403, R"({"message":"Write access denied"})", "the user is read_only"),
        std::tuple(403, R"({"message":"Access denied by ACL"})", "keep this host out"),
        std::tuple(403, "", "perhaps the user may not do this"),
        std::tuple(404, R"({"message":"Resource not found"})", "has no such operation")}) {
    AnswersStage stage([&](auto& peer, auto&) { peer.answer(status, body); });
    CHECK_THAT(stage.call("channels.answer", channel_params).error().message, ContainsSubstring(hint));
  }
}

TEST_CASE("an answer that does not come in time says that the outcome is unknown, and of what") {
  AnswersStage stage([](auto&, auto&) {});
  const auto answer = stage.call("channels.originate", R"({"endpoint":"PJSIP/1","app":"demo"})");
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().kind == ErrorKind::outcome_unknown);
  const Json data = json(answer.error().data);
  CHECK(find(data, "timeout_ms")->GetInt() == 80);
  CHECK(find_string(data, "channelId").starts_with("aribus-"));
  CHECK_THAT(stage.asterisk.requests.at(0), ContainsSubstring(std::string(find_string(data, "channelId"))));
}

TEST_CASE("any request can be made by hand") {
  AnswersStage stage([](auto& peer, auto&) { peer.answer(200, R"({"a":null})"); });
  CHECK(*stage.call("ari.request",
                    R"({"method":"PUT","path":"/x/y%20z","query":{"a b":"1&2","n":3},"body":{"k":[1]}})") ==
        R"({"a":null})");
  CHECK(stage.asterisk.requests.at(0).starts_with("PUT /ari/x/y%20z?a%20b=1%262&n=3 HTTP/1.1\r\n"));
  CHECK(stage.asterisk.requests.at(0).ends_with(R"({"k":[1]})"));
}

TEST_CASE("a path that is none is refused, so that no header can be slipped in") {
  AnswersStage stage([](auto& peer, auto&) { peer.answer(200, "{}"); });
  for (const char* path : {"", "x", "/x y", "/x?y=z", "/x#y", "/x\\r\\nHost: y", "/\\u00e9", "/\\u0000",
                           "/..", "/../rawman", "/x/../../y", "/%2e%2E/y", "/x/.%2e/y", "/./y", "/x/%2E"}) {
    const auto answer = stage.call("ari.request", R"({"method":"GET","path":")" + std::string(path) + "\"}");
    INFO(path);
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().kind == ErrorKind::invalid_params);
  }
  CHECK(stage.call("ari.request", R"({"method":"PATCH","path":"/x"})").error().kind ==
        ErrorKind::invalid_params);
  CHECK(stage.asterisk.requests.empty());
}

TEST_CASE("a bridge is made and filled in one command") {
  AnswersStage stage([](auto& peer, const std::string& request) {
    request.starts_with("GET /ari/bridges/")    ? peer.answer(200, R"({"id":"b1","channels":["c1","c2"]})")
    : request.starts_with("POST /ari/bridges ") ? peer.answer(200, R"({"id":"b1","channels":[]})")
                                                : peer.answer(204, "");
  });
  CHECK(*stage.call("bridge", R"({"channels":["c1","c2"],"bridgeId":"b1"})") ==
        R"({"id":"b1","channels":["c1","c2"]})");
  REQUIRE(stage.asterisk.requests.size() == 3);
  CHECK(stage.asterisk.requests[1].starts_with("POST /ari/bridges/b1/addChannel "));
  CHECK(stage.asterisk.requests[1].ends_with(R"({"channel":["c1","c2"]})"));
}

TEST_CASE("a bridge that could not be filled is destroyed again") {
  AnswersStage stage([](auto& peer, const std::string& request) {
    request.starts_with("POST /ari/bridges/") ? peer.answer(422, R"({"message":"Channel not in Stasis"})")
    : request.starts_with("POST")             ? peer.answer(200, R"({"id":"b1"})")
                                              : peer.answer(204, "");
  });
  const auto answer = stage.call("bridge", R"({"channels":["c1"],"bridgeId":"b1"})");
  REQUIRE_FALSE(answer.ok());
  CHECK_THAT(answer.error().message,
             ContainsSubstring("Channel not in Stasis") && ContainsSubstring("destroyed again"));
  CHECK(stage.asterisk.count("DELETE /ari/bridges/b1 ") == 1);
}

TEST_CASE("play takes a channel or a bridge, one of them") {
  AnswersStage stage([](auto& peer, auto&) { peer.answer(201, R"({"id":"p1"})"); });
  CHECK(stage.call("play", R"({"channelId":"c1","media":"sound:x"})").ok());
  CHECK(stage.call("play", R"({"bridgeId":"b1","media":["sound:x","sound:y"]})").ok());
  CHECK(stage.asterisk.count("POST /ari/channels/c1/play ") == 1);
  CHECK(stage.asterisk.count("POST /ari/bridges/b1/play ") == 1);
  for (const char* params : {R"({"media":"x"})", R"({"channelId":"c","bridgeId":"b","media":"x"})"}) {
    CHECK(stage.call("play", params).error().kind == ErrorKind::invalid_params);
  }
}

TEST_CASE("a large answer is read on another thread, and is the same") {
  std::string list = "[", expected = "[";
  for (int i = 0; i < 5000; ++i) {
    const std::string id = (i == 0 ? "" : ",") + (R"({"id":"b)" + std::to_string(i)) + '"';
    list += id + R"(, "creationtime":"2026-11-22T23:47:29.970+0100","video_mode":null})";
    expected += id + R"(,"creationtime":"2026-11-22T22:47:29.970Z"})";
  }
  AnswersStage stage([&](auto& peer, auto&) { peer.answer(200, list + "]"); });
  CHECK(*stage.call("bridges.list", "{}") == expected + "]");
  CHECK_FALSE(stage.server.is_busy());
}

TEST_CASE("an answer of more values than can be read in bounded memory is refused as too large") {
  std::string list = "[{}";
  for (int i = 0; i < 1'500'000; ++i) list += ",{}";
  AnswersStage stage([&](auto& peer, auto&) { peer.answer(200, list + "]"); });
  ServerOptions options{"pbx1", stage.server.client().options()};
  options.client.request_timeout = Milliseconds(10'000);
  REQUIRE(stage.server.change(options, Milliseconds(0)) == "other time-outs");
  const auto answer = stage.call("bridges.list", "{}");
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().kind == ErrorKind::outcome_unknown);
  CHECK_THAT(answer.error().message, ContainsSubstring("over the limit"));
}

TEST_CASE("only a status of success is taken for success") {
  for (const int status : {300, 301, 302, 304, 307, 399, 600, 999}) {
    AnswersStage stage([&](auto& peer, auto&) {
      peer.answer(status, R"({"id":"c1"})", "Location: http://127.0.0.1:1/\r\n");
    });
    INFO(status);
    for (const auto& [method, params] : {std::pair{"channels.get", R"({"channelId":"c1"})"},
                                         {"channels.list", "{}"},
                                         {"asterisk.ping", "{}"}}) {
      const auto answer = stage.call(method, params);
      REQUIRE_FALSE(answer.ok());
      CHECK(answer.error().kind == ErrorKind::refused);
      CHECK(find(json(answer.error().data), "status")->GetInt() == status);
    }
    for (const auto& [method, params] : {std::pair{"channels.hangup", R"({"channelId":"c1"})"},
                                         {"channels.originate", R"({"endpoint":"PJSIP/1","app":"demo"})"},
                                         {"originate", R"({"endpoint":"PJSIP/1","app":"demo"})"},
                                         {"play", R"({"channelId":"c1","media":"sound:x","wait":true})"},
                                         {"bridge", R"({"channels":["c1"],"bridgeId":"b1"})"},
                                         {"ari.request", R"({"method":"PUT","path":"/x"})"}}) {
      INFO(method);
      const auto answer = stage.call(method, params);
      REQUIRE_FALSE(answer.ok());
      CHECK(answer.error().kind == ErrorKind::outcome_unknown);
      CHECK(find(json(answer.error().data), "status")->GetInt() == status);
    }
  }
}
