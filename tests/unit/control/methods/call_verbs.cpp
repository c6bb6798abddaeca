#include "control/methods/call_verbs.h"

#include "tests/unit/control/methods/waiting_stage.h"

using namespace aribus;
using namespace aribus::test;
using namespace aribus::control;
using namespace aribus::pbx;

TEST_CASE("waiting for a call of which nothing will be heard is refused") {
  WaitingStage stage;
  for (const char* params : {R"({"endpoint":"PJSIP/1","app":"another","wait":"answer"})",
                             R"({"endpoint":"PJSIP/1","app":null,"context":"x","wait":"answer"})"}) {
    stage.call("originate", params);
    REQUIRE(stage.answer);
    CHECK(stage.answer->error().kind == ErrorKind::invalid_params);
    CHECK(stage.answer->error().message.starts_with("wait: "));
  }
  stage.call("originate", R"({"endpoint":"PJSIP/1","wait":"anser"})");
  CHECK_THAT(stage.answer->error().message, ContainsSubstring("did you mean 'answer'?"));
  CHECK(stage.waiting.empty());
}

TEST_CASE("transfer redirects to an endpoint, or continues in the dialplan") {
  WaitingStage stage;
  stage.call("transfer", R"({"channelId":"c1","endpoint":"PJSIP/200"})");
  stage.respond(204, "");
  CHECK(stage.asterisk.count("POST /ari/channels/c1/redirect ") == 1);
  stage.call("transfer", R"({"channelId":"c1","context":"sales","extension":"s","priority":1})");
  stage.respond(204, "");
  CHECK(stage.asterisk.count("POST /ari/channels/c1/continue ") == 1);
  for (const char* params : {R"({"channelId":"c1"})", R"({"endpoint":"PJSIP/200"})",
                             R"({"channelId":"c1","endpoint":"PJSIP/200","context":"sales"})"}) {
    stage.call("transfer", params);
    REQUIRE(stage.answer);
    CHECK(stage.answer->error().kind == ErrorKind::invalid_params);
  }
}

TEST_CASE("a call into an application that another client has can't be waited for") {
  WaitingStage stage;
  stage.lose_application();
  stage.call("originate", originate);
  REQUIRE(stage.answer);
  CHECK(stage.answer->error().kind == ErrorKind::not_connected);
  CHECK(stage.answer->error().message ==
        "Asterisk 'pbx1': another client has taken the application 'demo', so aribus would not learn the "
        "outcome of the call; nothing was sent");
  CHECK(stage.answer->error().data == R"({"server":"pbx1"})");
  CHECK(stage.waiting.empty());
}
