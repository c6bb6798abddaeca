#include "ari/operation.h"

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::ari;
using aribus::test::json;

namespace {

Result<HttpRequest> request_of(std::string_view operation, const Json& params, std::string_view prefix = "") {
  const Operation* found = find_operation(operation);
  REQUIRE(found != nullptr);
  return make_request(*found, params, prefix);
}

size_t line_bytes(const HttpRequest& request) {
  return (request.method + " " + request.target + " HTTP/1.1\r\n").size();
}

}  // namespace

TEST_CASE("path parameters are encoded as one segment") {
  const auto request = request_of("channels.answer", json(R"({"channelId":"a/b;c#d e+\u00e9?..%"})"));
  REQUIRE(request.ok());
  CHECK(request->method == "POST");
  CHECK(request->target == "/ari/channels/a%2Fb%3Bc%23d%20e%2B%C3%A9%3F..%25/answer");
  CHECK(request->body.empty());
}

TEST_CASE("several path parameters find their places") {
  const auto request = request_of("bridges.setVideoSource", json(R"({"channelId":"c 1","bridgeId":"b 1"})"));
  REQUIRE(request.ok());
  CHECK(request->target == "/ari/bridges/b%201/videoSource/c%201");
}

TEST_CASE("the other parameters of GET and DELETE go into the query") {
  const auto hangup = request_of("channels.hangup", json(R"({"reason":"busy","channelId":"c1"})"));
  REQUIRE(hangup.ok());
  CHECK(hangup->method == "DELETE");
  CHECK(hangup->target == "/ari/channels/c1?reason=busy");
  CHECK(hangup->body.empty());
  const auto variable =
      request_of("channels.getChannelVar", json(R"({"channelId":"c1","variable":"CDR(a + b),x"})"));
  REQUIRE(variable.ok());
  CHECK(variable->target == "/ari/channels/c1/variable?variable=CDR%28a%20%2B%20b%29%2Cx");
}

TEST_CASE("a list with a comma in one of its values goes into a body, where nothing is cut") {
  const auto request = request_of("applications.unsubscribe",
                                  json(R"({"applicationName":"demo","eventSource":["bridge:a,b"]})"));
  REQUIRE(request.ok());
  CHECK(request->method == "DELETE");
  CHECK(request->target == "/ari/applications/demo/subscription");
  CHECK(request->body == R"({"eventSource":["bridge:a,b"]})");
  const auto joined = request_of("applications.unsubscribe",
                                 json(R"({"applicationName":"demo","eventSource":["bridge:a","bridge:b"]})"));
  REQUIRE(joined.ok());
  CHECK(joined->target == "/ari/applications/demo/subscription?eventSource=bridge%3Aa%2Cbridge%3Ab");
}

TEST_CASE("the parameters of POST and PUT go into a JSON body with their types") {
  const Json params =
      json(R"({"endpoint":"PJSIP/100","app":"demo","timeout":30,"variables":{"A":"b \"c\""},"priority":1})");
  const auto request = request_of("channels.originate", params);
  REQUIRE(request.ok());
  CHECK(request->method == "POST");
  CHECK(request->target == "/ari/channels");
  CHECK(json(request->body) == params);
  const auto filter =
      request_of("applications.filter", json(R"({"applicationName":"demo","filter":{"allowed":[]}})"));
  REQUIRE(filter.ok());
  CHECK(filter->method == "PUT");
  CHECK(filter->target == "/ari/applications/demo/eventFilter");
  CHECK(filter->body == R"({"allowed":[]})");  // the filter is the body: ARI ignores it in a member
}

TEST_CASE("several values of one parameter are joined in a query and an array in a body") {
  const auto info = request_of("asterisk.getInfo", json(R"({"only":["build","system"]})"));
  REQUIRE(info.ok());
  CHECK(info->target == "/ari/asterisk/info?only=build%2Csystem");
  const auto add = request_of("bridges.addChannel", json(R"({"bridgeId":"b1","channel":["c1","c2"]})"));
  REQUIRE(add.ok());
  CHECK(add->target == "/ari/bridges/b1/addChannel");
  CHECK(add->body == R"({"channel":["c1","c2"]})");
  for (const char* fields :
       {R"([{"attribute":"username","value":"bob"}])", R"({"attribute":"username","value":"bob"})"}) {
    const auto update = request_of(
        "asterisk.updateObject", json(R"({"configClass":"res_pjsip","objectType":"auth","id":"a","fields":)" +
                                      std::string(fields) + "}"));
    REQUIRE(update.ok());
    CHECK(update->body == R"({"fields":[{"attribute":"username","value":"bob"}]})");
  }
}

TEST_CASE("values of a query are written as ARI reads them") {
  CHECK(query_value(json(R"("a,b")")) == "a,b");
  CHECK(query_value(json("12")) == "12");
  CHECK(query_value(json("true")) == "true");
  CHECK(query_value(json(R"(["a",1,false])")) == "a,1,false");
  CHECK(query_value(json("[]")).empty());
}

TEST_CASE("the URL's prefix comes first") {
  const auto request = request_of("channels.list", json("{}"), "/asterisk");
  REQUIRE(request.ok());
  CHECK(request->target == "/asterisk/ari/channels");
}

TEST_CASE("a query that is too long for Asterisk's request line moves into the body") {
  Json params = json(R"({"channelId":"c1"})");
  size_t longest_in_query = 0;
  for (const size_t size : {100UL, 4000UL, 4020UL, 4040UL, 4045UL, 4050UL, 4060UL, 4096UL, 20'000UL}) {
    set_member(params, "variable", std::string(size, 'v'));
    const auto request = request_of("channels.getChannelVar", params);
    REQUIRE(request.ok());
    CHECK(line_bytes(*request) <= max_request_line_bytes);
    if (request->body.empty()) {
      longest_in_query = size;
    } else {
      CHECK(request->target == "/ari/channels/c1/variable");
      CHECK(request->body == R"({"variable":")" + std::string(size, 'v') + "\"}");
    }
  }
  CHECK(longest_in_query >= 4000);
  CHECK(longest_in_query < 4096);
}

TEST_CASE("a path that is too long for Asterisk's request line is refused") {
  Json params(rapidjson::kObjectType);
  set_member(params, "channelId", std::string(4000, 'c'));
  CHECK(request_of("channels.answer", params).ok());
  set_member(params, "channelId", std::string(4096, 'c'));
  const auto request = request_of("channels.answer", params);
  REQUIRE_FALSE(request.ok());
  CHECK(request.error().kind == ErrorKind::invalid_params);
  CHECK_THAT(request.error().message, ContainsSubstring("4096"));
  // It is the encoded length that counts.
  set_member(params, "channelId", std::string(1400, ' '));
  CHECK_FALSE(request_of("channels.answer", params).ok());
}

TEST_CASE("a path parameter that is missing, empty or no string is refused by name") {
  for (const char* params : {"{}", R"({"channelId":""})", R"({"channelId":5})", R"({"channelId":null})"}) {
    const auto request = request_of("channels.answer", json(params));
    REQUIRE_FALSE(request.ok());
    CHECK(request.error().kind == ErrorKind::invalid_params);
    CHECK_THAT(request.error().message, ContainsSubstring("channelId"));
  }
}
