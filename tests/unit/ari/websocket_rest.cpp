// Requests over the event stream's WebSocket.
#include "ari/websocket_rest.h"

#include "ari/client.h"
#include "json/pretty.h"
#include "tests/catch.h"
#include "tests/support/fake_asterisk.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::ari;
using aribus::test::behave_well;
using aribus::test::FakeAsterisk;
using aribus::test::json;
using aribus::test::pump;
using aribus::test::pump_for;

namespace {

std::string response(std::string_view request_id, int status, std::string_view body) {
  return render([&](JsonWriter& writer) {
    writer.StartObject();
    write_member(writer, "type", "RESTResponse");
    write_member(writer, "request_id", request_id);
    write_key(writer, "status_code");
    writer.Int(status);
    write_member(writer, "content_type", "application/json");
    write_member(writer, "message_body", body);
    writer.EndObject();
  });
}

// An Asterisk that takes requests over its WebSocket, and a client that sends them there. The test says what
// is answered to requests; 204 otherwise.
struct WebSocketRestStage {
  Loop loop;
  FakeAsterisk asterisk{loop, behave_well};
  std::vector<Json> requests;       // that came over the WebSocket, without probes
  std::vector<std::string> events;  // what the client took for events
  std::vector<bool> changes;        // of the way that requests go
  size_t probes = 0;
  bool answers_probes = true;
  std::function<std::string(std::string_view request_id)> write = {};  // answers to probes, in another form
  std::function<void(FakeAsterisk::Peer&, const JsonValue&)> answer = [](auto& peer,
                                                                         const JsonValue& request) {
    peer.text(response(find_string(request, "request_id"), 204, ""));
  };
  std::unique_ptr<Client> client;

  explicit WebSocketRestStage(RestMode mode = RestMode::automatic, Milliseconds timeout = Milliseconds(1000),
                              const std::string& prefix = "") {
    asterisk.set_script([prefix](auto& peer, const std::string& request) {
      if (request.starts_with("GET " + prefix + "/ari/events")) return peer.upgrade(request);
      request.find("/asterisk/info") != std::string::npos ? peer.answer(200, test::info_body)
                                                          : peer.answer(204, "");
    });
    asterisk.on_text = [this](auto& peer, const std::string& text) {
      Json request = json(text);
      CHECK(find_string(request, "type") == "RESTRequest");
      if (find_string(request, "uri") == "asterisk/ping" && find_string(request, "method") == "GET") {
        ++probes;
        const std::string_view id = find_string(request, "request_id");
        if (answers_probes) peer.text(write ? write(id) : response(id, 200, "{}"));
        return;
      }
      requests.push_back(copy_of(request));
      answer(peer, request);
    };
    ClientOptions options;
    options.url = asterisk.url() + prefix;
    options.apps = {"demo"};
    options.rest = mode;
    options.request_timeout = timeout;
    options.max_message_bytes = 4096;
    options.reconnect.first = options.reconnect.max = Milliseconds(10);
    Client::Handlers handlers;
    handlers.message = [this](std::string_view text, size_t) { events.emplace_back(text); };
    handlers.rest_changed = [this](bool over_websocket) { changes.push_back(over_websocket); };
    client = Client::make(loop, options, handlers).value();
    client->connect();
    REQUIRE(pump(loop, [&] { return client->is_connected(); }));
    asterisk.requests.clear();
  }
  void wait_until_it_works() {
    REQUIRE(pump(loop, [&] { return client->rest_over_websocket(); }));
  }
  Result<HttpResponse> ask(const std::string& method, const std::string& target,
                           const std::string& body = {}) {
    std::optional<Result<HttpResponse>> answer;
    client->request(method, target, body, [&](Result<HttpResponse> got) { answer = std::move(got); });
    REQUIRE_FALSE(answer);
    REQUIRE(pump(loop, [&] { return answer.has_value(); }));
    return *answer;
  }
};

}  // namespace

TEST_CASE("a request goes over the WebSocket and its answer is no event") {
  for (const std::string prefix : {"", "/pbx"}) {
    WebSocketRestStage stage(RestMode::automatic, Milliseconds(1000), prefix);
    stage.wait_until_it_works();
    CHECK(stage.changes == std::vector<bool>{true});
    stage.answer = [](auto& peer, const JsonValue& request) {
      peer.text(R"({"type":"StasisStart"})");
      peer.text(response(find_string(request, "request_id"), 404, R"({"message":"\"é\""})"));
    };
    const auto answer = stage.ask("POST", "/channels/a%2Fb?x=y%20z", R"({"variables":{"a":"\"é"}})");
    REQUIRE(answer.ok());
    CHECK(answer->status == 404);
    CHECK(answer->content_type == "application/json");
    CHECK(answer->body == R"({"message":"\"é\""})");
    REQUIRE(stage.requests.size() == 1);
    CHECK(find_string(stage.requests[0], "method") == "POST");
    CHECK(find_string(stage.requests[0], "uri") == "channels/a%2Fb?x=y%20z");
    CHECK(find_string(stage.requests[0], "content_type") == "application/json");
    CHECK(find_string(stage.requests[0], "message_body") == R"({"variables":{"a":"\"é"}})");
    CHECK(stage.events == std::vector<std::string>{R"({"type":"StasisStart"})"});
    CHECK(stage.asterisk.requests.empty());
    CHECK(stage.client->open_requests() == 0);
    CHECK(stage.ask("DELETE", "/channels/c1")->status == 404);
    CHECK(find(stage.requests[1], "message_body") == nullptr);
  }
}

TEST_CASE("an answer is known by what it says, whatever its white space and order") {
  const auto shuffled = [](std::string_view id) {
    return "{ \"request_id\" : \"" + std::string(id) +
           "\",\n \"status_code\": 200, \"message_body\": \"{}\",\n" +
           R"("content_type":"application/json", "type" : "RESTResponse" })";
  };
  const auto pretty_one = [](std::string_view id) { return pretty(response(id, 200, "{}")); };
  for (const std::function<std::string(std::string_view)>& write :
       {std::function<std::string(std::string_view)>(shuffled), {pretty_one}}) {
    WebSocketRestStage stage;
    stage.write = write;
    REQUIRE(pump(stage.loop, [&] { return stage.client->rest_over_websocket(); }));
    stage.answer = [&](auto& peer, const JsonValue& request) {
      peer.text("{\n  \"type\": \"ChannelUserevent\", \"eventname\": \"RESTResponse\"\n}");
      peer.text(write(find_string(request, "request_id")));
    };
    std::optional<int> status;
    stage.client->request("GET", "/channels", "",
                          [&](const auto& answer) { status = answer ? answer->status : 0; });
    REQUIRE(pump(stage.loop, [&] { return status.has_value(); }));
    CHECK(status == 200);
    REQUIRE(stage.events.size() == 1);
    CHECK_THAT(stage.events[0], ContainsSubstring("ChannelUserevent"));
  }
}

TEST_CASE("over HTTP alone the WebSocket is not asked") {
  WebSocketRestStage stage(RestMode::http);
  REQUIRE(stage.ask("POST", "/channels").ok());
  CHECK(stage.probes == 0);
  CHECK(stage.asterisk.count("POST /ari/channels ") == 1);
}

TEST_CASE("until the WebSocket is known to work, and when it does not, requests go over HTTP") {
  WebSocketRestStage stage;
  stage.wait_until_it_works();
  stage.answers_probes = false;
  stage.asterisk.websocket()->close();  // connected anew, nothing answers
  REQUIRE(pump(stage.loop, [&] { return stage.probes == 2; }));
  CHECK_FALSE(stage.client->rest_over_websocket());
  REQUIRE(stage.ask("POST", "/channels").ok());
  CHECK(stage.asterisk.count("POST /ari/channels ") == 1);
  REQUIRE(pump(stage.loop, [&] { return !stage.changes.empty() && !stage.changes.back(); }));
  REQUIRE(stage.ask("POST", "/channels").ok());
  CHECK(stage.asterisk.count("POST /ari/channels ") == 2);
  CHECK(stage.requests.empty());
}

TEST_CASE("what is binary, or may take long, or may hide answers goes over HTTP") {
  WebSocketRestStage stage;
  stage.wait_until_it_works();
  const auto went_over_http = [&](const char* method, const std::string& target) {
    const size_t before = stage.asterisk.requests.size();
    REQUIRE(stage.ask(method, target).ok());
    return stage.asterisk.requests.size() == before + 1;
  };
  CHECK(went_over_http("GET", "/recordings/stored/r1/file"));
  CHECK(went_over_http("POST", "/recordings/stored/r1/copy?destinationRecordingName=r2"));
  CHECK(went_over_http("POST", "/bridges/b1/addChannel?channel=c1"));
  CHECK(went_over_http("POST", "/channels/c1/answer"));
  CHECK(went_over_http("POST", "/channels/c1/variable?variable=x"));
  CHECK(went_over_http("PUT", "/asterisk/modules/res_x.so"));
  CHECK(stage.requests.empty());
  CHECK_FALSE(went_over_http("GET", "/channels/c1/variable?variable=x"));
  CHECK_FALSE(went_over_http("POST", "/channels/c1/play?media=sound:x"));
  CHECK_FALSE(went_over_http("GET", "/asterisk/modules/res_x.so"));
  CHECK(stage.requests.size() == 3);
}

TEST_CASE("after an event filter was set the WebSocket is probed anew") {
  WebSocketRestStage stage;
  stage.wait_until_it_works();
  stage.answers_probes = false;
  REQUIRE(stage.ask("PUT", "/applications/demo/eventFilter", R"({"allowed":[{"type":"StasisStart"}]})").ok());
  CHECK_FALSE(stage.client->rest_over_websocket());
  REQUIRE(stage.ask("POST", "/channels").ok());
  CHECK(stage.asterisk.count("POST /ari/channels ") == 1);
  CHECK(stage.probes == 2);
}

TEST_CASE("a request that is too long for a frame goes over HTTP") {
  WebSocketRestStage stage;
  stage.wait_until_it_works();
  REQUIRE(stage.ask("POST", "/channels", '"' + std::string(60'000, 'x') + '"').ok());
  CHECK(stage.requests.size() == 1);
  REQUIRE(stage.ask("POST", "/channels", '"' + std::string(65'000, 'x') + '"').ok());
  REQUIRE(stage.ask("POST", "/channels", '"' + std::string(33'000, '"') + '"').ok());  // each takes two bytes
  CHECK(stage.requests.size() == 1);
  CHECK(stage.asterisk.count("POST /ari/channels ") == 2);
}

TEST_CASE("what the WebSocket can't give back is read over HTTP, and nothing else is sent twice") {
  WebSocketRestStage stage;
  stage.wait_until_it_works();
  stage.answer = [](auto& peer, const JsonValue& request) {
    const std::string_view id = find_string(request, "request_id");
    find_string(request, "uri") == "binary" ? peer.text(response(id, 406, "{}"))
                                            : peer.text(response(id, 200, std::string(5000, 'x')));
  };
  CHECK(stage.ask("GET", "/binary")->status == 204);
  CHECK(stage.ask("GET", "/large")->status == 204);
  CHECK(stage.asterisk.requests.size() == 2);
  CHECK(stage.ask("POST", "/binary")->status == 406);
  const auto large = stage.ask("POST", "/large");
  REQUIRE_FALSE(large.ok());
  CHECK(large.error().kind == ErrorKind::outcome_unknown);
  CHECK_THAT(large.error().message, ContainsSubstring("over the limit of 4096 bytes"));
  CHECK(stage.asterisk.requests.size() == 2);
  CHECK(stage.events.empty());
}

TEST_CASE("when the WebSocket ends, the outcome of what was sent over it is unknown") {
  WebSocketRestStage stage;
  stage.wait_until_it_works();
  stage.answer = [](auto& peer, const JsonValue&) { peer.close(); };
  const auto answer = stage.ask("POST", "/channels");
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().kind == ErrorKind::outcome_unknown);
  CHECK_THAT(answer.error().message, ContainsSubstring("ended before the answer"));
  CHECK(stage.requests.size() == 1);
  CHECK(stage.asterisk.count("POST") == 0);
  CHECK(stage.client->open_requests() == 0);
}

TEST_CASE("an end that the program asked for is told from the loop") {
  WebSocketRestStage stage;
  stage.wait_until_it_works();
  stage.answer = [](auto&, const JsonValue&) {};
  std::optional<Result<HttpResponse>> answer;
  stage.client->request("POST", "/channels", "", [&](Result<HttpResponse> got) { answer = std::move(got); });
  REQUIRE(pump(stage.loop, [&] { return stage.requests.size() == 1; }));
  stage.client->disconnect();
  CHECK_FALSE(answer);
  REQUIRE(pump(stage.loop, [&] { return answer.has_value(); }));
  CHECK(answer->error().kind == ErrorKind::outcome_unknown);
}

TEST_CASE(
    "a request that is not answered in time has an unknown outcome, and its late answer is passed over") {
  WebSocketRestStage stage(RestMode::websocket, Milliseconds(80));
  stage.wait_until_it_works();
  std::string late;
  stage.answer = [&](auto&, const JsonValue& request) { late = find_string(request, "request_id"); };
  const auto answer = stage.ask("POST", "/channels");
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().kind == ErrorKind::outcome_unknown);
  CHECK_THAT(answer.error().message, ContainsSubstring("no answer within 80 ms"));
  CHECK(find(json(answer.error().data), "timeout_ms")->GetInt() == 80);
  stage.asterisk.websocket()->text(response(late, 200, "{}"));
  stage.wait_until_it_works();  // the probe was answered
  CHECK(stage.probes == 2);
  CHECK(stage.events.empty());
}

TEST_CASE("behind a request that takes long, others go over HTTP") {
  WebSocketRestStage stage;
  stage.wait_until_it_works();
  stage.answer = [](auto&, const JsonValue&) {};
  bool first_answered = false;
  stage.client->request("POST", "/channels/c1/ring", "", [&](auto) { first_answered = true; });
  REQUIRE(pump(stage.loop, [&] { return stage.requests.size() == 1; }));
  pump_for(stage.loop, Milliseconds(150));
  REQUIRE(stage.ask("POST", "/channels/c2/ring").ok());
  CHECK(stage.asterisk.count("POST /ari/channels/c2/ring ") == 1);
  CHECK(stage.requests.size() == 1);
  CHECK_FALSE(first_answered);
}

TEST_CASE("nobody's request waits on the WebSocket behind another user's") {
  WebSocketRestStage stage;
  stage.wait_until_it_works();
  stage.answer = [](auto&, const JsonValue&) {};
  stage.client->request("GET", "/channels", "", [](auto) {}, {7000, 1, false});
  stage.client->request("GET", "/channels", "", [](auto) {}, {7000, 2, false});
  stage.client->request("DELETE", "/channels/c1", "", [](auto) {}, {7001, 3, false});
  REQUIRE(pump(stage.loop, [&] { return stage.asterisk.count("DELETE /ari/channels/c1 ") == 1; }));
  CHECK(stage.requests.size() == 2);
}

TEST_CASE("no more than 16 requests wait on the WebSocket") {
  WebSocketRestStage stage;
  stage.wait_until_it_works();
  stage.answer = [](auto&, const JsonValue&) {};
  for (int i = 0; i < 70; ++i) stage.client->request("POST", "/channels", "", [](auto) {});
  REQUIRE(pump(stage.loop, [&] { return stage.asterisk.count("POST /ari/channels ") == 6; }));
  CHECK(stage.requests.size() == 16);
}

TEST_CASE("answers that come too late are passed over, and those to nothing of ours are events") {
  WebSocketRestStage stage;
  stage.wait_until_it_works();
  stage.asterisk.websocket()->text(R"({"type":"RESTResponse","request_id":"999","status_code":200})");
  stage.asterisk.websocket()->text(R"({"type":"RESTResponse","request_id":"999",")" + std::string(5000, 'x'));
  CHECK(stage.ask("POST", "/channels")->status == 204);
  CHECK(stage.events.empty());
  const std::vector<std::string> others = {R"({"type":"RESTResponse","request_id":"","status_code":400})",
                                           R"({"type":"RESTResponse",)",
                                           R"({"type":"RESTResponse","request_id":"1","status_code":"x"})"};
  for (const std::string& text : others) stage.asterisk.websocket()->text(text);
  CHECK(stage.ask("POST", "/channels")->status == 204);
  CHECK(stage.events == others);
}
