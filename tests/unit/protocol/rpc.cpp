#include "protocol/rpc.h"

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::rpc;
using aribus::test::json;

namespace {

std::string refused(std::string_view text) {
  const Json value = json(text);
  const auto request = read_request(value);
  INFO(text);
  REQUIRE_FALSE(request.ok());
  CHECK(request.error().kind == ErrorKind::invalid_request);
  return request.error().message;
}

}  // namespace

TEST_CASE("a request has an id, a method and parameters") {
  const Json value = json(R"({"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1}})");
  const auto request = read_request(value);
  REQUIRE(request.ok());
  CHECK(request->id == "1");
  CHECK(request->method == "ping");
  REQUIRE(request->params != nullptr);
  CHECK(to_text(*request->params) == R"({"a":1})");
}

TEST_CASE("ids come back as they were") {
  for (const char* id : {"0", "-5", "1.5", R"("a\"b")", R"("")", "null", "9007199254740993"}) {
    const Json value = json(R"({"jsonrpc":"2.0","method":"x","id":)" + std::string(id) + "}");
    const auto request = read_request(value);
    REQUIRE(request.ok());
    CHECK(request->id == id);
  }
}

TEST_CASE("a request without an id is a notification, one with null is none") {
  const Json without = json(R"({"jsonrpc":"2.0","method":"x"})");
  CHECK(read_request(without)->id.empty());
  const Json with = json(R"({"jsonrpc":"2.0","method":"x","id":null})");
  CHECK(read_request(with)->id == "null");
}

TEST_CASE("parameters may be an array, null or left out") {
  for (const char* params : {"", R"(,"params":null)", R"(,"params":[1])"}) {
    const Json value = json(R"({"jsonrpc":"2.0","method":"x")" + std::string(params) + "}");
    const auto request = read_request(value);
    REQUIRE(request.ok());
    REQUIRE(request->params != nullptr);
    CHECK(request->params->IsArray() == (std::string_view(params).find('[') != std::string_view::npos));
  }
}

TEST_CASE("what is no request is told what it lacks") {
  CHECK_THAT(refused("5"), ContainsSubstring("object") && ContainsSubstring("integer"));
  CHECK_THAT(refused("[]"), ContainsSubstring("array"));
  CHECK_THAT(refused(R"({"id":1,"method":"x"})"), ContainsSubstring("jsonrpc"));
  CHECK_THAT(refused(R"({"jsonrpc":"1.0","method":"x"})"), ContainsSubstring("jsonrpc"));
  CHECK_THAT(refused(R"({"jsonrpc":2.0,"method":"x"})"), ContainsSubstring("jsonrpc"));
  CHECK_THAT(refused(R"({"jsonrpc":"2.0"})"), ContainsSubstring("method"));
  CHECK_THAT(refused(R"({"jsonrpc":"2.0","method":5})"), ContainsSubstring("method"));
  CHECK_THAT(refused(R"({"jsonrpc":"2.0","method":"x","id":{}})"), ContainsSubstring("id"));
  CHECK_THAT(refused(R"({"jsonrpc":"2.0","method":"x","id":true})"), ContainsSubstring("id"));
  CHECK_THAT(refused(R"({"jsonrpc":"2.0","method":"x","params":5})"), ContainsSubstring("params"));
}

TEST_CASE("the id of what is no request is found where it can be used") {
  CHECK(id_of(json(R"({"id":7})")) == "7");
  CHECK(id_of(json(R"({"id":"a"})")) == "\"a\"");
  CHECK(id_of(json(R"({"id":{}})")) == "null");
  CHECK(id_of(json(R"({})")) == "null");
  CHECK(id_of(json("5")) == "null");
}

TEST_CASE("answers are JSON-RPC") {
  CHECK(result_head("1") + "null" + std::string(result_tail) == R"({"jsonrpc":"2.0","id":1,"result":null})");
  CHECK(result_head("\"a\"") + R"({"x":1})" + std::string(result_tail) ==
        R"({"jsonrpc":"2.0","id":"a","result":{"x":1}})");
  CHECK(error_text("1", {ErrorKind::refused, "no", R"({"status":404})"}) ==
        R"({"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no","data":{"status":404}}})");
  CHECK(error_text("null", {ErrorKind::malformed, "bad", {}}) ==
        R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"bad"}})");
}

TEST_CASE("an error's text is escaped: an answer is always one line of JSON") {
  const std::string nasty = "quote \" backslash \\ line\nend\r\x01 \xC3\xA9";
  const std::string text = error_text("1", {ErrorKind::internal, nasty, {}});
  CHECK(text.find('\n') == std::string::npos);
  const Json answer = json(text);
  CHECK(find_string(*find(answer, "error"), "message") == nasty);
}

TEST_CASE("the id of a request that is no JSON is found in what can be read of it") {
  const auto check = [](std::string_view line, std::string_view id) {
    INFO(line);
    CHECK(id_in(line) == id);
  };
  check(R"({"jsonrpc":"2.0","id":7,"method":"play","params":{"media":"\ud800"}})", "7");
  check("{\"id\":\"a\",\"params\":{\"name\":\"M\xfcller\"}}", R"("a")");
  check(R"({"params":{"id":1,"n":NaN,"text":"}\",\"id\":2"},"method":"id","id" : 3 })", "3");
  check(R"({"params":[{"id":1},["id",2]],"id":-4.5,"id":5})", "-4.5");
  check(R"( {"id":6,"params":{"media":"never ends)", "6");
  check(R"({"method":"originate","id":8)", "null");  // of 81, say, it is the beginning
  check(R"({"\u0069d":9,"params":NaN})", "null");    // nobody writes it like that
  // What is no id, or is not the request's.
  check(R"({"params":{"id":1}})", "null");
  check(R"({"params":{"id":1})", "null");
  check(R"({"a":1} {"id":1})", "null");
  check(R"([{"id":1}])", "null");
  check(R"({"id":{},"x":NaN})", "null");
  check(R"({"id":[1],"x":NaN})", "null");
  check(R"({"id":1e99,"x":NaN})", "null");
  check(R"({"id":nonsense})", "null");
  check(R"({"method":"id","x":NaN})", "null");
  check(R"({"x":NaN,"id")", "null");
  check(R"({"x":NaN,"id":)", "null");
  check(R"({"x":NaN,"id":"1)", "null");
  check("id:1", "null");
  check("", "null");
}

TEST_CASE("a notification has its method and its parameters") {
  CHECK(rpc::notification_text("lost", R"({"from":7})") ==
        R"({"jsonrpc":"2.0","method":"lost","params":{"from":7}})");
}
