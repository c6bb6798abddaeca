// The events of applications, endpoints and devices, as real Asterisks send them.
#include "tests/call/coverage.h"

namespace aribus::test {
namespace {

const Events application_events({"ApplicationReplaced", "ApplicationMoveFailed", "CallBroadcast",
                                 "CallClaimed"});

const Events endpoint_events({"ContactStatusChange", "PeerStatusChange", "EndpointStateChange",
                              "TextMessageReceived", "DeviceStateChanged"});

}  // namespace

TEST_CASE("what becomes of an application and of calls offered to it is seen", "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    Program& program = stage.program;
    const std::string leg = stage.leg(stage.id("leg"), "answer");
    program.call("channels.move",
                 object({{"channelId", leg}, {"app", stage.id("nobody")}, {"appArgs", "a,b"}}));
    const Json failed = program.expect_about("ApplicationMoveFailed", leg);
    CHECK(text_at(failed, "destination") == stage.id("nobody"));
    CHECK(to_text(failed["args"]) == R"(["a","b"])");

    if (version != "16") {
      const std::string offered = stage.id("offered");
      program.call("originate", object({{"endpoint", "Local/" + stage.app + "@broadcast"},
                                        {"otherChannelId", offered},
                                        {"channelId", stage.id("caller")}}));
      program.expect_about("CallBroadcast", offered);
      program.call("events.claimChannel", object({{"channelId", offered}, {"application", stage.app}}));
      CHECK(text_at(program.expect_about("CallClaimed", offered), "winner_app") == stage.app);
    }

    const Daemon other({stage.asterisk.server(stage.app)});
    other.wait_ready();
    CHECK(text_at(program.expect("ApplicationReplaced"), "app") == stage.app);
    application_events.check_seen(stage);
  });
}

TEST_CASE("a phone that comes, writes and goes is seen", "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    Program& program = stage.program;
    const std::string device = "Stasis:" + stage.app;
    stage.subscribe_to("endpoint:PJSIP/phone2");
    stage.subscribe_to("deviceState:" + device);
    const auto of_phone = [](const JsonValue& r) { return about(r, "endpoints", "PJSIP/phone2"); };
    {
      const Phone phone(stage.asterisk, "phone2");
      const Json reachable = program.expect("ContactStatusChange", [&](const JsonValue& r) {
        return of_phone(r) && text_at(r, "contact_info.contact_status") == "Reachable";
      });
      CHECK(text_at(reachable, "contact_info.aor") == "phone2");
      CHECK(reachable["contact_info"]["roundtrip_usec"].IsInt());
      CHECK(text_at(program.expect("PeerStatusChange", of_phone), "peer.peer_status") == "Reachable");
      CHECK(text_at(program.expect("EndpointStateChange", of_phone), "endpoint.state") == "online");

      phone.say("Is dinner ready?");
      const Json said = program.expect("TextMessageReceived", of_phone);
      CHECK(text_at(said, "message.body") == "Is dinner ready?");
      CHECK_THAT(text_at(said, "message.from"), ContainsSubstring("phone2"));

      phone.unregister();
      program.expect("ContactStatusChange", [](const JsonValue& r) {
        return text_at(r, "contact_info.contact_status") == "Removed";
      });
      program.expect("EndpointStateChange",
                     [](const JsonValue& r) { return text_at(r, "endpoint.state") == "offline"; });
    }
    program.call("deviceStates.update", object({{"deviceName", device}, {"deviceState", "RINGING"}}));
    const Json changed = program.expect("DeviceStateChanged");
    CHECK(about(changed, "devices", device));
    CHECK(text_at(changed, "device_state.state") == "RINGING");
    program.call("deviceStates.delete", object({{"deviceName", device}}));
    endpoint_events.check_seen(stage);
  });
}

}  // namespace aribus::test
