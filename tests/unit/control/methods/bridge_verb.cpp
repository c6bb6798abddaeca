#include "control/methods/bridge_verb.h"

#include "tests/unit/control/methods/waiting_stage.h"

using namespace aribus;
using namespace aribus::test;
using namespace aribus::control;
using namespace aribus::pbx;

TEST_CASE("a bridge that was made is answered as such, although it can't be read in the end") {
  for (const bool known : {true, false}) {
    WaitingStage stage;
    const std::string bridge =
        R"({"id":"b1","bridge_type":"mixing","channels":["c1"],"creationtime":"2026-11-22T21:46:17.690+0000"})";
    stage.call("bridge", R"({"channels":["c1"],"bridgeId":"b1"})");
    stage.respond(200, R"({"id":"b1","bridge_type":"mixing","channels":[]})");
    stage.respond(204, "");
    if (known) stage.event(R"({"type":"BridgeCreated","application":"demo","bridge":)" + bridge + "}");
    stage.respond(503, "{}");
    if (known) stage.respond(200, R"({"name":"demo"})");  // it is asked for
    REQUIRE(stage.answer);
    CHECK(stage.answer->ok() == known);
    if (known) {
      CHECK(json(**stage.answer)["channels"].Size() == 1);
    } else {
      CHECK(stage.answer->error().kind == ErrorKind::outcome_unknown);
      CHECK(stage.answer->error().data == R"({"bridgeId":"b1"})");
    }
  }
}
