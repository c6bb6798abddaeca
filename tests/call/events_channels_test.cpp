// The events of channels, as real Asterisks send them.
#include <cstdlib>

#include "base/time.h"
#include "tests/call/coverage.h"

namespace aribus::test {
namespace {

const Events life_events({"ChannelCreated", "ChannelStateChange", "ChannelDialplan", "ChannelVarset",
                          "ChannelCallerId", "ChannelConnectedLine", "ChannelUserevent",
                          "ChannelHangupRequest", "ChannelDestroyed", "Dial", "StasisStart", "StasisEnd"});

const Events sound_events({"ChannelHold", "ChannelUnhold", "ChannelDtmfReceived", "ChannelTalkingStarted",
                           "ChannelTalkingFinished", "ChannelToneDetected"});

}  // namespace

TEST_CASE("the whole life of a channel is seen by an application that hears of everything", "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version, true);
    Program& program = stage.program;
    const std::string id = stage.id("leg");
    program.call("originate", object({{"endpoint", "Local/report@default"},
                                      {"channelId", id},
                                      {"otherChannelId", stage.id("far")},
                                      {"callerId", "\"Bob\" <200>"}}));
    program.expect_about("ChannelCreated", id);
    program.expect_about("Dial", id, [](const JsonValue& r) { return text_at(r, "dialstatus") == "ANSWER"; });
    program.expect_about("StasisStart", id);
    const Json step = program.expect_about("ChannelDialplan", stage.id("far"), [](const JsonValue& r) {
      return text_at(r, "dialplan_app") == "UserEvent";
    });
    CHECK(text_at(step, "dialplan_app_data") == "Reported,Colour: green");
    const Json reported = program.expect_about("ChannelUserevent", stage.id("far"));
    CHECK(text_at(reported, "eventname") == "Reported");
    CHECK(text_at(reported, "userevent.Colour") == "green");

    const auto set = [&](const std::string& variable, const std::string& value) {
      program.call("channels.setChannelVar",
                   object({{"channelId", id}, {"variable", variable}, {"value", value}}));
    };
    set("MOOD", "good, a=b");
    const Json varset = program.expect_about(
        "ChannelVarset", id, [](const JsonValue& r) { return text_at(r, "variable") == "MOOD"; });
    CHECK(text_at(varset, "value") == "good, a=b");
    set("CALLERID(name)", "Zoë");
    const Json caller = program.expect_about(
        "ChannelCallerId", id, [](const JsonValue& r) { return text_at(r, "channel.caller.name") == "Zoë"; });
    CHECK(caller["caller_presentation"].IsInt());
    set("CONNECTEDLINE(name)", "Carol");
    program.expect_about("ChannelConnectedLine", id,
                         [](const JsonValue& r) { return text_at(r, "channel.connected.name") == "Carol"; });

    program.call("hangup", object({{"channelId", id}, {"reason", "user_busy"}}));
    program.expect_about("ChannelHangupRequest", id);
    program.expect_about("StasisEnd", id);
    const Json destroyed = program.expect_about("ChannelDestroyed", id);
    CHECK(destroyed["cause"].GetInt() == 17);
    CHECK(text_at(destroyed, "cause_txt") == "User busy");
    life_events.check_seen(stage);
  });
}

TEST_CASE("what a caller does is seen: it holds the call, presses keys, talks, and hears a tone", "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    Program& program = stage.program;
    const SipScript script =
        SipScript()
            .call()
            .wait_for_digit()
            .send("INFO", {},
                  "Content-Type: application/dtmf-relay\nContent-Length: [len]\n\nSignal=7\nDuration=160\n")
            .set_direction("sendonly")
            .wait_for_digit()
            .set_direction("sendrecv")
            .wait_for_end();
    Caller caller(stage.asterisk, script, stage.app);
    const std::string id = stage.answered_call();
    const auto set = [&](const std::string& variable, const std::string& value) {
      program.call("channels.setChannelVar",
                   object({{"channelId", id}, {"variable", variable}, {"value", value}}));
    };
    const auto press = [&] { program.call("channels.sendDTMF", object({{"channelId", id}, {"dtmf", "1"}})); };
    press();
    const Json digit = program.expect_about("ChannelDtmfReceived", id);
    CHECK(text_at(digit, "digit") == "7");
    CHECK(digit["duration_ms"].IsInt());
    const auto held = parse_time(text_at(program.expect_about("ChannelHold", id), "time"));
    press();
    const auto unheld = parse_time(text_at(program.expect_about("ChannelUnhold", id), "time"));

    // The caller echoes what it hears: so it talks while it hears a sound, and no longer when that ends.
    set("TALK_DETECT(set)", "100,30");
    program.call("play", object({{"channelId", id}, {"media", "sound:hello"}}));
    program.expect_about("ChannelTalkingStarted", id);
    CHECK(program.expect_about("ChannelTalkingFinished", id)["duration"].IsInt());
    set("TALK_DETECT(remove)", "");
    if (version != "16") {                    // 16.28 detects tones too, but has no event for it
      set("TONE_DETECT(1004,250,d(1))", "");  // the default threshold of 16 dB misses Asterisk's own tones
      program.call("play", object({{"channelId", id}, {"media", "tone:1004"}}));
      program.expect_about("ChannelToneDetected", id);
    }
    program.call("hangup", object({{"channelId", id}}));
    program.expect_about("ChannelDestroyed", id);
    const int64_t hold = program.expect_about("call.ended", id)["hold_ms"].GetInt64();
    CHECK(std::abs(hold - std::chrono::duration_cast<std::chrono::milliseconds>(*unheld - *held).count()) <=
          20);
    caller.expect_success();
    sound_events.check_seen(stage);
  });
}

}  // namespace aribus::test
