// Verbs that wait for the end, and transfers.
#include "tests/call/stage.h"

using namespace aribus;
using namespace aribus::test;

namespace {

// How a call to `endpoint` comes out. The daemon's answer is checked against what the records say.
Json outcome_of(Stage& stage, const std::string& endpoint, int timeout_s = 10) {
  Json outcome = stage.program.call(
      "originate", object({{"endpoint", endpoint}, {"timeout", timeout_s}, {"wait", "answer"}}));
  const std::string channel = text_at(outcome, "channel.id");
  const bool answered = text_at(outcome, "outcome") == "answered";
  const Json end = stage.program.expect_about(answered ? "StasisStart" : "ChannelDestroyed", channel);
  const int cause = answered ? 0 : end["cause"].GetInt();
  if (cause != 0) CHECK(outcome["cause"].GetInt() == cause);
  return outcome;
}

}  // namespace

TEST_CASE("originate tells how the call came out", "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    const Json answered = outcome_of(stage, "Local/answer@default");
    CHECK(text_at(answered, "outcome") == "answered");
    CHECK(text_at(answered, "channel.state") == "Up");
    CHECK_FALSE(answered.HasMember("cause"));

    struct Expected {
      int sip_status;
      const char* outcome;
      int cause;
    };
    for (const auto& [status, word, cause] :
         {Expected{486, "busy", 17}, Expected{603, "refused", 21}, Expected{480, "no_answer", 19},
          Expected{404, "failed", 1}, Expected{500, "failed", 38}}) {
      INFO(status);
      const Callee callee(stage.asterisk, status);
      const Json outcome = outcome_of(stage, callee.endpoint());
      CHECK(text_at(outcome, "outcome") == word);
      CHECK(outcome["cause"].GetInt() == cause);
      CHECK_FALSE(text_at(outcome, "cause_txt").empty());
      CHECK(outcome["rang_ms"].GetInt() >
            0);  // the phone rings for 300 ms, of which a busy machine sees less or more
      CHECK(outcome["rang_ms"].GetInt() < 30'000);
      if (version == "22") CHECK(outcome["tech_cause"].GetInt() == status);
    }

    const Json busy = outcome_of(stage, "Local/busy@default");
    CHECK(text_at(busy, "outcome") == "busy");
    CHECK(busy["cause"].GetInt() == 17);
    const Json congested = outcome_of(stage, "Local/congestion@default");
    CHECK(text_at(congested, "outcome") == "failed");
    CHECK(congested["cause"].GetInt() == 34);
    const Json unanswered = outcome_of(stage, "Local/ring@default", 1);
    CHECK(text_at(unanswered, "outcome") == "no_answer");
    CHECK(unanswered["cause"].GetInt() == 19);
    CHECK(unanswered["rang_ms"].GetInt() > 0);
    CHECK(text_at(outcome_of(stage, "Local/nosuchextension@default"), "outcome") == "failed");
    CHECK(stage.program.refused("originate", R"({"endpoint":"PJSIP/nobody","wait":"answer"})").kind ==
          ErrorKind::refused);
  });
}

TEST_CASE("a call that is waited for is cancelled by a hangup on the same connection", "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    client::Connection caller = stage.daemon.connect();
    const std::string id = stage.id("ringing");
    const auto originated = caller.send(
        "originate", object({{"endpoint", "Local/ring@default"}, {"channelId", id}, {"wait", "answer"}}));
    stage.program.expect("ChannelStateChange", [&](const JsonValue& record) {
      return text_at(record, "channel.id") == id && text_at(record, "channel.state") == "Ringing";
    });
    REQUIRE(caller.call("hangup", object({{"channelId", id}})).ok());
    const auto outcome = caller.wait(*originated);
    REQUIRE(outcome.ok());
    CHECK(text_at(*outcome, "outcome") == "cancelled");
    CHECK(text_at(*outcome, "channel.id") == id);
  });
}

TEST_CASE("play and record answer when they have ended, and how", "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    const std::string leg = stage.leg(stage.id("leg"));
    const auto play = [&](const std::string& media) {
      return stage.program.call("play", object({{"channelId", leg}, {"media", media}, {"wait", true}}));
    };
    const Json played = play("sound:beep");
    CHECK(text_at(played, "state") == "done");
    stage.program.expect("PlaybackFinished", [&](const JsonValue& record) {
      return text_at(record, "playback.id") == text_at(played, "id");
    });
    CHECK(text_at(play("sound:there-is-no-such-sound"), "state") == "failed");

    const std::string name = stage.id("recording");
    const Json recorded = stage.program.call("record", object({{"channelId", leg},
                                                               {"name", name},
                                                               {"format", "wav"},
                                                               {"maxDurationSeconds", 1},
                                                               {"ifExists", "overwrite"},
                                                               {"wait", true}}));
    CHECK(text_at(recorded, "state") == "done");
    CHECK(text_at(recorded, "name") == name);
    stage.program.expect("RecordingFinished",
                         [&](const JsonValue& record) { return text_at(record, "recording.name") == name; });
    CHECK(stage.program.call("recordings.getStored", object({{"recordingName", name}})).IsObject());
    stage.program.call("recordings.deleteStored", object({{"recordingName", name}}));
  });
}

TEST_CASE("transfer sends a channel on in the dialplan, out of the application", "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    const std::string leg = stage.leg(stage.id("leg"));
    CHECK(stage.program
              .call("transfer", object({{"channelId", leg}, {"context", "default"}, {"extension", "echo"}}))
              .IsNull());
    stage.program.expect_about("StasisEnd", leg);
    stage.program.expect("ChannelDialplan", [&](const JsonValue& record) {
      return text_at(record, "channel.id") == leg && text_at(record, "dialplan_app") == "Echo";
    });
    const Error refused = stage.program.refused("channels.hold", object({{"channelId", leg}}));
    CHECK(refused.kind == ErrorKind::refused);
    CHECK_THAT(refused.message, ContainsSubstring("no longer: channel"));
  });
}
