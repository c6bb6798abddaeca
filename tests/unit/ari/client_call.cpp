// Operations through the client.
#include "ari/client.h"
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

std::unique_ptr<Client> client_of(Loop& loop, const std::string& url) {
  ClientOptions options;
  options.url = url;
  options.username = "aribus";
  options.password = "s3cret";
  options.request_timeout = Milliseconds(80);
  auto made = Client::make(loop, options);
  REQUIRE(made.ok());
  return std::move(*made);
}

void connect_and_wait(Loop& loop, Client& client) {
  client.connect();
  REQUIRE(pump(loop, [&] { return client.is_connected(); }));
}

Result<HttpResponse> call(Loop& loop, Client& client, std::string_view operation, const Json& params) {
  std::optional<Result<HttpResponse>> answer;
  client.call(*find_operation(operation), params, [&](Result<HttpResponse> got) { answer = std::move(got); });
  REQUIRE_FALSE(answer);
  REQUIRE(pump(loop, [&] { return answer.has_value(); }));
  return *answer;
}

}  // namespace

TEST_CASE("a URL that can't be used makes no client") {
  Loop loop;
  ClientOptions options;
  options.url = "pbx";
  const auto made = Client::make(loop, options);
  REQUIRE_FALSE(made.ok());
  CHECK(made.error().kind == ErrorKind::invalid_params);
}

TEST_CASE("a command before the connection stands is not sent") {
  Loop loop;
  FakeAsterisk asterisk(loop, behave_well);
  const auto client = client_of(loop, asterisk.url());
  const auto answer = call(loop, *client, "channels.answer", json(R"({"channelId":"c1"})"));
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().kind == ErrorKind::not_connected);
  pump_for(loop, Milliseconds(20));
  CHECK(asterisk.requests.empty());
}

TEST_CASE("a command reaches Asterisk and any status is its answer") {
  Loop loop;
  FakeAsterisk asterisk(loop, [](auto& peer, const std::string& request) {
    request.starts_with("POST") ? peer.answer(404, R"({"message":"Channel not found"})")
                                : behave_well(peer, request);
  });
  const auto client = client_of(loop, asterisk.url());
  connect_and_wait(loop, *client);
  const auto answer = call(loop, *client, "channels.answer", json(R"({"channelId":"c/1"})"));
  REQUIRE(answer.ok());
  CHECK(answer->status == 404);
  CHECK(asterisk.count("POST /ari/channels/c%2F1/answer HTTP/1.1") == 1);
}

TEST_CASE("a command that can't be made into a request is refused, not sent") {
  Loop loop;
  FakeAsterisk asterisk(loop, behave_well);
  const auto client = client_of(loop, asterisk.url());
  connect_and_wait(loop, *client);
  const auto answer = call(loop, *client, "channels.answer", json("{}"));
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().kind == ErrorKind::invalid_params);
  CHECK(asterisk.requests.size() == 1);
}

TEST_CASE("a command without an answer in time has an unknown outcome") {
  Loop loop;
  FakeAsterisk asterisk(loop, [](auto& peer, const std::string& request) {
    if (request.starts_with("GET")) behave_well(peer, request);
  });
  const auto client = client_of(loop, asterisk.url());
  connect_and_wait(loop, *client);
  const auto answer = call(loop, *client, "channels.answer", json(R"({"channelId":"c1"})"));
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().kind == ErrorKind::outcome_unknown);
  CHECK(asterisk.count("POST") == 1);
}

TEST_CASE("any request can be sent by its target") {
  Loop loop;
  FakeAsterisk asterisk(loop, behave_well);
  const auto client = client_of(loop, asterisk.url());
  connect_and_wait(loop, *client);
  std::optional<Result<HttpResponse>> answer;
  client->request("PUT", "/some/thing?x=%20", R"({"y":1})", [&](Result<HttpResponse> got) { answer = got; });
  CHECK(client->open_requests() == 1);
  REQUIRE(pump(loop, [&] { return answer.has_value(); }));
  REQUIRE(answer->ok());
  CHECK((*answer)->status == 204);
  CHECK(client->open_requests() == 0);
  CHECK(asterisk.requests.back().starts_with("PUT /ari/some/thing?x=%20 HTTP/1.1\r\n"));
  CHECK(asterisk.requests.back().ends_with("{\"y\":1}"));
}
