// The events of transfers, as real Asterisks send them.
#include "tests/call/coverage.h"
#include "tests/support/soon.h"

namespace aribus::test {
namespace {

const Events blind_events({"BridgeBlindTransfer", "ChannelTransfer"});

const Events attended_events({"BridgeAttendedTransfer", "BridgeMerged"});

// The event of a transfer shows who was in the bridge before, and comes behind those of who left and came:
// what is known of it is what Asterisk answers, as soon as its events are here, and not only when aribus
// looks again.
void check_known(Program& program, const std::string& bridge) {
  std::string known, now;
  const auto is_known = [&] {
    const Json state = program.call("state.bridges", object({{"id", bridge}}));
    const auto asked = program.client().call("bridges.get", object({{"bridgeId", bridge}}));
    if (!asked) return true;  // it has ended
    now = to_text((*asked)["channels"]);
    known = state["bridges"].Empty() ? "" : to_text(state["bridges"][0]["bridge"]["channels"]);
    return known == now || known.empty();
  };
  static_cast<void>(soon(is_known, std::chrono::milliseconds(400)));  // aribus looks again after 500 ms
  CHECK((known == now || known.empty()));
}

}  // namespace

TEST_CASE("a caller's blind transfer is seen, or left to the application", "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    Program& program = stage.program;
    // To the application itself: whoever is transferred comes back as another call.
    const SipScript ask =
        SipScript().call().wait_for_digit().send("REFER", "Refer-To: <sip:[service]@127.0.0.1>\n", {}, 202);
    const auto press = [&](const std::string& id) {
      program.call("channels.sendDTMF", object({{"channelId", id}, {"dtmf", "1"}}));
    };
    {
      // After a transfer Asterisk leaves it to the phone to hang up (res_pjsip_refer.c).
      Caller caller(stage.asterisk, SipScript(ask).send("BYE"), stage.app);
      const std::string call = stage.answered_call();
      const std::string leg = stage.leg(stage.id("leg"), "answer");
      const std::string bridge = stage.bridge(stage.id("bridge"), {call, leg});
      press(call);
      const Json transfer = program.expect("BridgeBlindTransfer");
      CHECK(text_at(transfer, "result") == "Success");
      CHECK(text_at(transfer, "exten") == stage.app);
      CHECK(text_at(transfer, "transferee.id") == leg);
      CHECK(about(transfer, "channels", call));
      CHECK(about(transfer, "channels", leg));
      CHECK(about(transfer, "bridges", bridge));
      check_known(program, bridge);
      caller.expect_success();
    }
    if (version != "16") {
      Caller caller(stage.asterisk, SipScript(ask).wait_for_end(), stage.app);
      const std::string call = stage.answered_call();
      program.call(
          "channels.setChannelVar",
          object({{"channelId", call}, {"variable", "PJSIP_TRANSFER_HANDLING()"}, {"value", "ari-only"}}));
      press(call);
      const Json asked = program.expect("ChannelTransfer");
      CHECK(text_at(asked, "refer_to.requested_destination.destination") == stage.app);
      CHECK(about(asked, "channels", call));
      program.call("hangup", object({{"channelId", call}}));
      caller.expect_success();
    }
    blind_events.check_seen(stage);
  });
}

// Not a call of the application: it hears of everything, and owns only the far end, whose keys it presses.
TEST_CASE("an attended transfer with a conference of three on the way is seen", "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version, true);
    Program& program = stage.program;
    const std::string desk = stage.id("desk"), keys = stage.id("keys");
    program.call("originate", object({{"endpoint", "Local/" + stage.app + "@from-sip"},
                                      {"channelId", desk},
                                      {"otherChannelId", keys},
                                      json_argument("app", "null"),
                                      {"context", "default"},
                                      {"extension", "desk"}}));
    program.expect_about("StasisStart", keys);
    program.call("channels.answer", object({{"channelId", keys}}));
    const auto press = [&](const std::string& digits) {
      program.call("channels.sendDTMF", object({{"channelId", keys}, {"dtmf", digits}}));
    };
    const auto enters = [&] {
      return text_at(program.expect("ChannelEnteredBridge",
                                    [&](const JsonValue& r) { return text_at(r, "channel.id") == desk; }),
                     "bridge.id");
    };
    const std::string first = enters();
    press("*2700");  // the code of features.conf, and where to
    const std::string second = enters();
    CHECK(first != second);
    press("*3");  // all three
    const Json merged = program.expect("BridgeMerged", [&](const JsonValue& r) {
      return about(r, "bridges", first) && about(r, "bridges", second);
    });
    program.call("hangup", object({{"channelId", keys}}));
    const Json transfer = program.expect_about("BridgeAttendedTransfer", desk);
    CHECK(text_at(transfer, "result") == "Success");
    CHECK(text_at(transfer, "transferer_first_leg.id") == desk);
    for (const std::string& bridge : {first, second}) check_known(program, bridge);
    for (const JsonValue& channel : merged["channels"].GetArray()) {  // who talk with each other now
      if (as_view(channel) != desk) program.call("hangup", object({{"channelId", as_view(channel)}}));
    }
    attended_events.check_seen(stage);
  });
}

}  // namespace aribus::test
