// ARI's operations on applications, events and endpoints, as methods of the socket.
#include "tests/call/coverage.h"

namespace aribus::test {
namespace {

const Operations application_operations({"applications.filter", "applications.get", "applications.list",
                                         "applications.subscribe", "applications.unsubscribe",
                                         "events.userEvent", "events.claimChannel"});

const Operations endpoint_operations({"endpoints.get", "endpoints.list", "endpoints.listByTech",
                                      "endpoints.refer", "endpoints.referToEndpoint", "endpoints.sendMessage",
                                      "endpoints.sendMessageToEndpoint"});

}  // namespace

TEST_CASE("an application chooses what it hears of", "[call][operations]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    Program& program = stage.program;
    Calls call(stage, application_operations);
    const std::string device = "Stasis:" + stage.app;

    bool listed = false;
    const Json applications = call("applications.list");
    for (const JsonValue& item : applications.GetArray()) {
      listed |= text_at(item, "name") == stage.app;
    }
    CHECK(listed);
    const Json subscribed = call("applications.subscribe",
                                 {{"applicationName", stage.app}, {"eventSource", "deviceState:" + device}});
    CHECK_THAT(to_text(subscribed["device_names"]), ContainsSubstring(device));
    program.call("deviceStates.update", object({{"deviceName", device}, {"deviceState", "INUSE"}}));
    program.expect("DeviceStateChanged");
    const Json unsubscribed = call("applications.unsubscribe", {{"applicationName", stage.app},
                                                                {"eventSource", "deviceState:" + device}});
    CHECK(unsubscribed["device_names"].Empty());
    program.call("deviceStates.delete", object({{"deviceName", device}}));

    // What is filtered out does not come: of two events only the second one.
    call("applications.filter", {{"applicationName", stage.app},
                                 json_argument("filter", R"({"disallowed":[{"type":"StasisStart"}]})")});
    const std::string leg = stage.id("leg");
    program.call("originate", object({{"endpoint", "Local/answer@default"}, {"channelId", leg}}));
    program.expect_about("ChannelStateChange", leg);
    call("events.userEvent", {{"eventName", "Coffee"},
                              {"application", stage.app},
                              {"source", "channel:" + leg},
                              json_argument("variables", R"({"sugar":"no"})")});
    const Json reported = program.expect_about("ChannelUserevent", leg);
    CHECK(text_at(reported, "eventname") == "Coffee");
    CHECK(text_at(reported, "userevent.sugar") == "no");
    for (const Json& record : program.records()) CHECK(text_at(record, "type") != "StasisStart");
    const Json filtered = call("applications.get", {{"applicationName", stage.app}});
    CHECK(text_at(filtered, "name") == stage.app);
    CHECK_THAT(to_text(filtered), ContainsSubstring("disallowed"));
    call("applications.filter", {{"applicationName", stage.app}, json_argument("filter", "{}")});

    if (call.has("events.claimChannel")) {
      const std::string offered = stage.id("offered");
      program.call("originate", object({{"endpoint", "Local/" + stage.app + "@broadcast"},
                                        {"otherChannelId", offered},
                                        {"channelId", stage.id("caller")}}));
      program.expect_about("CallBroadcast", offered);
      call("events.claimChannel", {{"channelId", offered}, {"application", stage.app}});
      CHECK(to_text(program.expect_about("StasisStart", offered)["args"]) == R"(["offered","first"])");
    }
    call.check_complete();
  });
}

TEST_CASE("endpoints are listed, and a phone gets messages and referrals", "[call][operations]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    Calls call(stage, endpoint_operations);
    const Phone phone(stage.asterisk, "phone1");
    CHECK(call("endpoints.list").Size() >= 2);
    CHECK(call("endpoints.listByTech", {{"tech", "PJSIP"}}).Size() >= 2);
    CHECK(text_at(call("endpoints.get", {{"tech", "PJSIP"}, {"resource", "phone1"}}), "resource") ==
          "phone1");

    call("endpoints.sendMessage", {{"to", "pjsip:phone1"},
                                   {"from", "pjsip:sipp"},
                                   {"body", "Dinner is ready"},
                                   json_argument("variables", R"({"X-Table":"7"})")});
    call("endpoints.sendMessageToEndpoint",
         {{"tech", "PJSIP"}, {"resource", "phone1"}, {"from", "pjsip:sipp"}, {"body", "It gets cold"}});
    if (call.has("endpoints.refer")) {
      call("endpoints.refer",
           {{"to", "pjsip:phone1"}, {"from", "sip:desk@127.0.0.1"}, {"refer_to", "sip:700@127.0.0.1"}});
      call("endpoints.referToEndpoint", {{"tech", "PJSIP"},
                                         {"resource", "phone1"},
                                         {"from", "sip:desk@127.0.0.1"},
                                         {"refer_to", "sip:700@127.0.0.1"}});
    }
    phone.unregister();
    call.check_complete();
  });
}

}  // namespace aribus::test
