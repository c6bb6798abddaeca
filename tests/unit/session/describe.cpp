#include "session/describe.h"

#include "control/dispatcher.h"
#include "session/all_methods.h"
#include "tests/catch.h"
#include "tests/unit/control/caller.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using aribus::session::describe;
using aribus::test::json;

namespace {

control::Dispatcher& dispatcher() {
  static control::Dispatcher dispatcher{session::declared_methods()};
  return dispatcher;
}

Result<std::string> call(const std::string& method, std::string_view params = "{}") {
  std::optional<Result<std::string>> answer;
  dispatcher().call(aribus::test::a_caller(), method, json(params),
                    [&](const Result<pbx::ResultText>& got) { answer = test::text_of(got); });
  return answer.value();
}

}  // namespace

TEST_CASE("each description is JSON for people") {
  for (const char* what : {"openrpc", "records", "asyncapi"}) {
    const auto text = describe(what);
    REQUIRE(text.ok());
    CHECK(json(*text).IsObject());
    CHECK_THAT(*text, ContainsSubstring("\n  \""));
  }
}

TEST_CASE("a description that does not exist is refused with the list") {
  const auto text = describe("opnrpc");
  REQUIRE_FALSE(text.ok());
  CHECK(text.error().message ==
        "--describe: one of openrpc, records, asyncapi is expected, not 'opnrpc'; did you mean 'openrpc'?");
}

TEST_CASE("rpc.discover answers what --describe openrpc prints") {
  const auto answer = call("rpc.discover");
  REQUIRE(answer.ok());
  CHECK(json(*answer) == json(*describe("openrpc")));
  CHECK_FALSE(call("rpc.discover", R"({"x":1})").ok());
}

TEST_CASE("the daemon's own methods have their result described") {
  for (const char* name : {"hello", "ping", "rpc.discover", "status", "subscribe", "unsubscribe"}) {
    INFO(name);
    const control::Method& method = *session::declared_methods().find(name);
    CHECK(find_string(json(method.answer_schema), "type") == "object");
  }
  CHECK(session::declared_methods().find("subscribe")->parameters.size() >= 9);
}

TEST_CASE("a misspelt subscribe is recognised") {
  CHECK_THAT(call("subscrbe").error().message, ContainsSubstring("did you mean 'subscribe'?"));
}

TEST_CASE("without a connection there is nothing to subscribe") {
  const auto answer = call("subscribe");
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().kind == ErrorKind::internal);
}
