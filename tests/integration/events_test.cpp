// Nothing is ever dropped for being odd.
#include "tests/catch.h"
#include "tests/support/program.h"
#include "tests/support/simulator.h"
#include "tests/unit/ari/sample.h"

using aribus::find;
using aribus::Json;
using aribus::JsonValue;
using namespace aribus::test;

namespace {

struct EventsStage {
  EventsStage() : daemon({simulator.server()}), program((daemon.wait_ready(), daemon.connect())) {}
  void event(const std::string& text) { simulator.control("POST", "event", text); }

  Simulator simulator;
  Daemon daemon;
  Program program;
};

}  // namespace

TEST_CASE("an event that nobody declared is delivered as it came") {
  EventsStage stage;
  stage.event(
      R"({"type":"NewsFromTomorrow","application":"demo","timestamp":"2026-11-22T21:46:17.690+0100",)"
      R"("channel":{"id":"c9","name":"x","state":"Up"},"nothing":null,"seq":"mine","list":[1,{"a":2}]})");
  const Json record = stage.program.expect("NewsFromTomorrow");
  CHECK_FALSE(record["known"].GetBool());
  CHECK(text_at(record, "time") == "2026-11-22T20:46:17.690Z");
  CHECK(about(record, "channels", "c9"));
  CHECK(record["nothing"].IsNull());
  CHECK(text_at(record, "fields.seq") == "mine");
  CHECK(aribus::to_text(record["list"]) == R"([1,{"a":2}])");
}

TEST_CASE("an event whose fields are not as declared says where and why") {
  EventsStage stage;
  stage.event(
      R"({"type":"StasisEnd","application":"demo","timestamp":"2026-11-22T21:46:17.690+0000","channel":"c1"})");
  const Json record = stage.program.expect("StasisEnd");
  CHECK(text_at(record, "invalid") == "channel: Channel is expected, not a value of type string");
  CHECK(text_at(record, "channel") == "c1");
}

TEST_CASE("text that is no event becomes a Malformed record, and the connection stays") {
  EventsStage stage;
  for (const char* text :
       {"this is no JSON", "[1,2]", R"({"no":"type"})", "{\"type\":\"bad \xff utf-8\"}", "{"}) {
    INFO(text);
    stage.event(text);
    const Json record = stage.program.expect("Malformed");
    CHECK_FALSE(text_at(record, "invalid").empty());
    CHECK(find(record, "text") != nullptr);
  }
  for (const Json& record : stage.program.records()) CHECK(text_at(record, "type") != "server.disconnected");
}

TEST_CASE("a message in fragments is put together, one over the bound is skipped") {
  Simulator simulator;
  Server server = simulator.server();
  server.more = "    max_message_bytes: 64KiB\n";
  Daemon daemon({server});
  daemon.wait_ready();
  Program program(daemon.connect());
  simulator.control(
      "POST", "fragment",
      R"({"pieces":7,"text":"{\"type\":\"InPieces\",\"application\":\"demo\",\"a\":\"äöü\"}"})");
  CHECK(text_at(program.expect("InPieces"), "a") == "äöü");
  simulator.control("POST", "event", R"({"type":"Huge","x":")" + std::string(100'000, 'x') + "\"}");
  const Json skipped = program.expect("Malformed");
  CHECK_THAT(text_at(skipped, "invalid"), ContainsSubstring("over the limit of 65536 bytes"));
  CHECK(skipped["bytes"].GetUint64() > 100'000);
  simulator.control("POST", "event", R"({"type":"Next"})");
  program.expect("Next");
}

TEST_CASE("every event that is declared comes through as it is declared") {
  EventsStage stage;
  for (const aribus::ari::ModelType& model : aribus::ari::models()) {
    if (!model.event) continue;
    stage.event(sample(model));
    const std::string type(model.name);
    INFO(type);
    const Json record = stage.program.expect(type);
    CHECK_FALSE(record.HasMember("known"));
    CHECK(text_at(record, "invalid").empty());
    if (model.find("timestamp") != nullptr) CHECK(text_at(record, "time") == "2026-11-22T20:46:17.690Z");
    if (model.find("channel") != nullptr) CHECK(about(record, "channels", "sample"));
  }
}
