// ARI's operations on channels, as methods of the socket.
#include "tests/call/coverage.h"

namespace aribus::test {
namespace {

const Operations origin_operations({"channels.create", "channels.dial", "channels.originate",
                                    "channels.originateWithId", "channels.get", "channels.list",
                                    "channels.hangup", "channels.externalMedia", "channels.snoopChannel",
                                    "channels.snoopChannelWithId", "channels.continueInDialplan",
                                    "channels.move"});

const Operations call_operations({"channels.ring", "channels.ringStop", "channels.progress",
                                  "channels.answer", "channels.hold", "channels.unhold", "channels.mute",
                                  "channels.unmute", "channels.startMoh", "channels.stopMoh",
                                  "channels.startSilence", "channels.stopSilence", "channels.sendDTMF",
                                  "channels.setChannelVar", "channels.getChannelVar",
                                  "channels.setChannelVars", "channels.getChannelVars",
                                  "channels.rtpstatistics"});

const Operations redirect_operations({"channels.redirect", "channels.transfer_progress"});

}  // namespace

TEST_CASE("channels are made in every way that ARI has, and go on elsewhere", "[call][operations]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    Program& program = stage.program;
    Calls call(stage, origin_operations);
    const auto leave = [&](const std::string& id) {
      call("channels.hangup", {{"channelId", id}});
      program.expect_about("StasisEnd", id);
    };

    const std::string first = stage.id("first");
    CHECK(text_at(call("channels.originate",
                       {{"endpoint", "Local/answer@default"}, {"channelId", first}, {"app", stage.app}}),
                  "id") == first);
    program.expect_about("StasisStart", first);
    const std::string second = stage.id("second");
    call("channels.originateWithId",
         {{"endpoint", "Local/answer@default"}, {"channelId", second}, {"app", stage.app}});
    program.expect_about("StasisStart", second);
    CHECK(text_at(call("channels.get", {{"channelId", second}}), "id") == second);
    CHECK(call("channels.list").Size() >= 2);

    const std::string created = stage.id("created");
    call("channels.create",
         {{"endpoint", "Local/answer@default"}, {"channelId", created}, {"app", stage.app}});
    program.expect_about("StasisStart", created);
    call("channels.dial", {{"channelId", created}, {"timeout", 5}});
    program.expect_about("Dial", created,
                         [](const JsonValue& r) { return text_at(r, "dialstatus") == "ANSWER"; });

    const std::string spy = stage.id("spy");
    call("channels.snoopChannel",
         {{"channelId", first}, {"snoopId", spy}, {"spy", "both"}, {"app", stage.app}});
    program.expect_about("StasisStart", spy);
    leave(spy);
    const std::string whisper = stage.id("whisper");
    call("channels.snoopChannelWithId",
         {{"channelId", first}, {"snoopId", whisper}, {"whisper", "out"}, {"app", stage.app}});
    program.expect_about("StasisStart", whisper);
    leave(whisper);
    const std::string media = stage.id("media");
    call("channels.externalMedia",
         {{"channelId", media}, {"app", stage.app}, {"external_host", "127.0.0.1:9"}, {"format", "ulaw"}});
    program.expect_about("StasisStart", media);
    leave(media);

    // To another application, and into the dialplan.
    Stage other(version);
    call("channels.move", {{"channelId", first}, {"app", other.app}, {"appArgs", "moved,here"}});
    program.expect_about("StasisEnd", first);
    CHECK(to_text(other.program.expect_about("StasisStart", first)["args"]) == R"(["moved","here"])");
    call("channels.continueInDialplan",
         {{"channelId", second}, {"context", "default"}, {"extension", "answer"}, {"priority", 1}});
    program.expect_about("StasisEnd", second);
    CHECK(text_at(call("channels.get", {{"channelId", second}}), "dialplan.exten") == "answer");
    leave(created);
    call.check_complete();
  });
}

TEST_CASE("everything that can be done with one call is done", "[call][operations]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    Calls call(stage, call_operations);
    Caller caller(stage.asterisk, SipScript().call().wait_for_end(), stage.app);
    const std::string id = text_at(stage.program.expect("StasisStart"), "channel.id");
    call("channels.ring", {{"channelId", id}});
    call("channels.ringStop", {{"channelId", id}});
    if (call.has("channels.progress")) call("channels.progress", {{"channelId", id}});
    call("channels.answer", {{"channelId", id}});
    for (const char* operation : {"channels.hold", "channels.unhold", "channels.startMoh", "channels.stopMoh",
                                  "channels.startSilence", "channels.stopSilence"}) {
      call(operation, {{"channelId", id}});
    }
    call("channels.mute", {{"channelId", id}, {"direction", "in"}});
    call("channels.unmute", {{"channelId", id}, {"direction", "in"}});
    call("channels.setChannelVar", {{"channelId", id}, {"variable", "MOOD"}, {"value", "good, a=b"}});
    stage.program.expect_about("ChannelVarset", id,  // 16 answers before it is done
                               [](const JsonValue& r) { return text_at(r, "variable") == "MOOD"; });
    CHECK(text_at(call("channels.getChannelVar", {{"channelId", id}, {"variable", "MOOD"}}), "value") ==
          "good, a=b");
    if (call.has("channels.setChannelVars")) {
      call("channels.setChannelVars",
           {{"channelId", id}, json_argument("variables", R"({"MOOD":"better","HAIR":"grey"})")});
      const Json values = call("channels.getChannelVars",
                               {{"channelId", id}, json_argument("variables", R"(["MOOD","HAIR"])")});
      CHECK_THAT(to_text(values), ContainsSubstring("better") && ContainsSubstring("grey"));
    }
    CHECK(call("channels.rtpstatistics", {{"channelId", id}})["rxcount"].IsInt());
    call("channels.sendDTMF", {{"channelId", id}, {"dtmf", "1"}});
    stage.program.call("hangup", object({{"channelId", id}}));
    call.check_complete();
  });
}

TEST_CASE("a call is redirected, and the progress of a transfer reported to who asked for it", "[call][operations]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    Program& program = stage.program;
    Calls call(stage, redirect_operations);
    {
      Caller caller(stage.asterisk, "redirected", stage.app);
      const std::string id = text_at(program.expect("StasisStart"), "channel.id");
      call("channels.redirect", {{"channelId", id}, {"endpoint", "PJSIP/sip:elsewhere@127.0.0.1:9"}});
      program.expect_about("StasisEnd", id);
      caller.expect_success();
    }
    if (call.has("channels.transfer_progress")) {
      const SipScript script = SipScript()
                                   .call()
                                   .wait_for_digit()
                                   .send("REFER", "Refer-To: <sip:700@127.0.0.1>\n", {}, 202)
                                   .wait_for_end();
      Caller caller(stage.asterisk, script, stage.app);
      const std::string id = stage.answered_call();
      program.call(
          "channels.setChannelVar",
          object({{"channelId", id}, {"variable", "PJSIP_TRANSFER_HANDLING()"}, {"value", "ari-only"}}));
      program.call("channels.sendDTMF", object({{"channelId", id}, {"dtmf", "1"}}));
      program.expect_about("ChannelTransfer", id);
      call("channels.transfer_progress", {{"channelId", id}, {"states", "channel_progress"}});
      call("channels.transfer_progress", {{"channelId", id}, {"states", "channel_answered"}});
      program.call("hangup", object({{"channelId", id}}));
      caller.expect_success();
    }
    call.check_complete();
  });
}

}  // namespace aribus::test
