#include "control/methods/defaults.h"

#include <algorithm>

#include "control/params.h"
#include "tests/catch.h"
#include "tests/unit/pbx/test_server.h"

using namespace aribus;
using namespace aribus::control;
using namespace aribus::pbx;
using aribus::test::json;

namespace {

// A server that was never connected to.
struct Somewhere {
  Loop loop;
  test::TestServer server;

  explicit Somewhere(std::vector<std::string> apps = {"demo", "other"})
      : server(loop, test::client_options(test::nowhere, std::move(apps))) {}
  // What prepare() makes of `params`, or its error's message.
  std::string prepared(std::string_view operation, std::string_view params) {
    Json object = json(params);
    const auto done = prepare(*ari::find_operation(operation), object, server);
    if (done) return to_text(object);
    CHECK(done.error().kind == ErrorKind::invalid_params);
    return done.error().message;
  }
  // The members that prepare() makes of an originate, without the id.
  Json originate(std::string_view more) {
    const std::string text =
        prepared("channels.originate", R"({"endpoint":"PJSIP/1","channelId":"c")" + std::string(more) + "}");
    INFO(text);
    REQUIRE(text.starts_with('{'));
    return json(text);
  }
  std::string refused(std::string_view more) {
    return prepared("channels.originate",
                    R"({"endpoint":"PJSIP/1","channelId":"c")" + std::string(more) + "}");
  }
  std::string hangup(std::string_view reason) {
    return prepared("channels.hangup", R"({"channelId":"c1",)" + std::string(reason) + "}");
  }
};

}  // namespace

TEST_CASE("what makes nothing gets nothing added") {
  Somewhere somewhere;
  CHECK(somewhere.prepared("channels.answer", R"({"channelId":"c1"})") == R"({"channelId":"c1"})");
  CHECK(somewhere.prepared("channels.hangup", R"({"channelId":"c1"})") == R"({"channelId":"c1"})");
}

TEST_CASE("a call goes to the first configured application when nothing else is said") {
  Somewhere somewhere;
  CHECK(find_string(somewhere.originate(""), "app") == "demo");
  CHECK(find_string(somewhere.originate(R"(,"app":"other")"), "app") == "other");
  CHECK(find_string(somewhere.originate(R"(,"appArgs":"a,b")"), "app") == "demo");
  Somewhere without_apps(std::vector<std::string>{});
  CHECK_THAT(without_apps.refused(""), ContainsSubstring("app: missing"));
}

TEST_CASE("app: null means the dialplan") {
  Somewhere somewhere;
  const Json bare = somewhere.originate(R"(,"app":null)");
  CHECK(find(bare, "app") == nullptr);
  CHECK(find_string(bare, "extension") == "s");
  CHECK(find(bare, "priority")->GetInt() == 1);
  const Json full = somewhere.originate(R"(,"app":null,"context":"x","extension":"5","priority":2)");
  CHECK(find(full, "app") == nullptr);
  CHECK(find_string(full, "extension") == "5");
  CHECK(find(full, "priority")->GetInt() == 2);
}

TEST_CASE("a place in the dialplan is completed, and no application is added") {
  Somewhere somewhere;
  const Json context = somewhere.originate(R"(,"context":"from-sip")");
  CHECK(find(context, "app") == nullptr);
  CHECK(find_string(context, "context") == "from-sip");
  CHECK(find_string(context, "extension") == "s");
  CHECK(find(context, "priority")->GetInt() == 1);
  const Json label = somewhere.originate(R"(,"context":"x","extension":"5","label":"start")");
  CHECK(find(label, "priority") == nullptr);
}

TEST_CASE("an application and a place in the dialplan exclude each other") {
  Somewhere somewhere;
  for (const char* place : {R"("context":"x")", R"("extension":"5")", R"("priority":1)", R"("label":"l")"}) {
    const std::string message = somewhere.refused(R"(,"app":"demo",)" + std::string(place));
    CHECK_THAT(message, ContainsSubstring("excludes app"));
    CHECK(message.starts_with(std::string(place).substr(1, 4)));
  }
  CHECK_THAT(somewhere.refused(R"(,"context":"x","appArgs":"a")"), ContainsSubstring("appArgs"));
  CHECK_THAT(somewhere.refused(R"(,"app":null,"appArgs":"a")"), ContainsSubstring("appArgs"));
}

TEST_CASE("a reason that ARI has a word for is sent as that word") {
  Somewhere somewhere;
  for (const char* reason :
       {R"("reason":"normal")", R"("reason":"normal_clearing")", R"("reason":16)", R"("reason":"16")",
        R"("reason_code":16)", R"("reason_code":"16")", R"("reason_code":"normal_clearing")"}) {
    INFO(reason);
    CHECK(somewhere.hangup(reason) == R"({"channelId":"c1","reason":"normal"})");
  }
  CHECK(somewhere.hangup(R"("reason":"user_busy")") == R"({"channelId":"c1","reason":"busy"})");
}

TEST_CASE("a reason that ARI has no word for is sent as its code") {
  Somewhere somewhere;
  for (const char* reason : {R"("reason":"subscriber_absent")", R"("reason":20)", R"("reason":"20")"}) {
    CHECK(somewhere.hangup(reason) == R"({"channelId":"c1","reason_code":"20"})");
  }
  CHECK(somewhere.hangup(R"("reason":4)") == R"({"channelId":"c1","reason_code":"4"})");
}

TEST_CASE("an unknown reason is refused with the nearest") {
  Somewhere somewhere;
  CHECK_THAT(somewhere.hangup(R"("reason":"buzy")"), ContainsSubstring("did you mean 'busy'?"));
  CHECK_THAT(somewhere.hangup(R"("reason":"normal_claering")"), ContainsSubstring("'normal_clearing'?"));
  for (const char* reason : {R"("reason":0)", R"("reason":128)", R"("reason":-16)", R"("reason":16.5)",
                             R"("reason":null)", R"("reason":"")", R"("reason":"128")",
                             R"("reason":["busy"])", R"("reason":"16x")", R"("reason":true)"}) {
    INFO(reason);
    CHECK_THAT(somewhere.hangup(reason), ContainsSubstring("reason: a reason of ARI (unallocated"));
  }
}

TEST_CASE("reason and reason_code exclude each other") {
  Somewhere somewhere;
  CHECK_THAT(somewhere.hangup(R"("reason":"busy","reason_code":"17")"), ContainsSubstring("one of the two"));
}

TEST_CASE("a channel's variables are strings") {
  Somewhere somewhere;
  CHECK(somewhere.originate(R"(,"variables":{"A":"1","B":{"value":"x"}})").HasMember("variables"));
  CHECK(somewhere.refused(R"(,"variables":{"A":"1","B":2})") == "variables.B: a string is expected, not 2");
}

TEST_CASE("parameters that a courtesy widens are those of originate and hangup") {
  const ari::Operation& originate = *ari::find_operation("channels.originate");
  const ari::Operation& hangup = *ari::find_operation("channels.hangup");
  const auto type_of = [](const ari::Operation& operation, std::string_view name) {
    const auto parameters = method_parameters(operation);
    return std::ranges::find(parameters, name, &ari::Parameter::name)->type;
  };
  CHECK(type_of(originate, "app") == ari::Type::string_or_null);
  CHECK(type_of(originate, "endpoint") == ari::Type::string);
  CHECK(type_of(hangup, "reason") == ari::Type::string_or_integer);
  CHECK(type_of(hangup, "reason_code") == ari::Type::string_or_integer);
  CHECK(type_of(hangup, "channelId") == ari::Type::string);
}

TEST_CASE("an application is a string or null, a hang-up reason a string or an integer") {
  const auto refusal = [](std::string_view operation, std::string_view params) {
    const auto checked = check_params(method_parameters(*ari::find_operation(operation)), json(params));
    return checked ? "" : checked.error().message;
  };
  CHECK(refusal("channels.originate", R"({"endpoint":"PJSIP/1","app":null})").empty());
  CHECK(refusal("channels.originate", R"({"endpoint":"PJSIP/1","app":5})") ==
        "app: a string or null is expected, not 5");
  CHECK(refusal("channels.hangup", R"({"channelId":"c1","reason":17})").empty());
  CHECK(refusal("channels.hangup", R"({"channelId":"c1","reason":null})") ==
        "reason: a string or an integer is expected, not null");
}
