// What Asterisk refuses, and what aribus says of it, with real Asterisks.
#include "tests/call/stage.h"
#include "tests/support/soon.h"

namespace {

using aribus::Error;
using namespace aribus::test;

constexpr int rounds = 20;

// Sends all without waiting for an answer, and checks that none is refused.
void all_done(Program& program, const std::vector<std::pair<std::string, std::string>>& commands) {
  std::vector<uint64_t> sent;
  for (const auto& [method, params] : commands) sent.push_back(program.client().send(method, params).value());
  for (size_t i = 0; i < sent.size(); ++i) {
    INFO(commands[i].first << " " << commands[i].second);
    const auto answer = program.client().wait(sent[i]);
    CHECK((answer ? std::string() : answer.error().message).empty());
  }
}

}  // namespace

TEST_CASE("commands may follow at once the one that makes their channel", "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    const std::string leg = stage.leg(stage.id("leg"));
    const std::string bridge = stage.bridge(stage.id("bridge"), {leg});
    for (int i = 0; i < rounds; ++i) {
      INFO(i);
      const std::string snoop = stage.id("snoop" + std::to_string(i));
      const std::string in_app = R"("app":")" + stage.app + "\"";
      all_done(stage.program,
               {
                   {"channels.snoopChannel",
                    params(leg, R"("spy":"both",)" + in_app + R"(,"snoopId":")" + snoop + "\"")},
                   {"channels.setChannelVar", params(snoop, R"("variable":"X","value":"1")")},
                   {"bridges.addChannel", object({{"bridgeId", bridge}, {"channel", snoop}})},
                   {"hangup", params(snoop)},
               });
      const std::string media = stage.id("media" + std::to_string(i));
      all_done(stage.program,
               {
                   {"channels.externalMedia",
                    params(media, in_app + R"(,"external_host":"127.0.0.1:9","format":"ulaw")")},
                   {"bridge", object({{"channels", media}, {"bridgeId", media}})},
                   {"bridges.destroy", object({{"bridgeId", media}})},
                   {"hangup", params(media)},
               });
      const std::string callee = stage.id("callee" + std::to_string(i));
      all_done(stage.program,
               {
                   {"channels.create", params(callee, in_app + R"(,"endpoint":"Local/ring@default")")},
                   {"channels.dial", params(callee, R"("timeout":5)")},
                   {"hangup", params(callee)},
               });
    }
  });
}

TEST_CASE("a refusal tells a channel that is not in its application yet from one that has left it",
          "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    const std::string ringing = stage.id("ringing");
    stage.program.call("originate", params(ringing, R"("endpoint":"Local/ring@default")"));
    const Error early = stage.program.refused("channels.play", params(ringing, R"("media":"sound:beep")"));
    CHECK_THAT(early.data, ContainsSubstring(R"("stasis":"not_yet")"));
    const std::string leg = stage.leg(stage.id("leg"));
    stage.program.call("transfer", params(leg, R"("context":"default","extension":"answer")"));
    stage.program.expect_about("StasisEnd", leg);
    // Asterisk reports the end a moment before it takes no more commands for it.
    Error late;
    REQUIRE(soon([&] {
      const auto answer = stage.program.client().call("channels.play", params(leg, R"("media":"sound:beep")"));
      if (!answer) late = answer.error();
      return !answer;
    }));
    CHECK_THAT(late.data, ContainsSubstring(R"("stasis":"no_longer")"));
    stage.program.call("hangup", params(leg));
    stage.program.call("hangup", params(ringing));
  });
}

TEST_CASE("ids that Asterisk takes for one are named in the refusal", "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    const std::string leg = stage.leg(stage.id("leg-12"));
    const auto refused = [&](const std::string& ids) {
      const Error error =
          stage.program.refused("originate", R"({"endpoint":"Local/answer@default",)" + ids + "}");
      CHECK(error.kind == aribus::ErrorKind::refused);
      CHECK_THAT(error.message, !ContainsSubstring("technology"));
      return error.message;
    };
    const std::string quoted = "'" + leg + "'";
    CHECK_THAT(refused(R"("channelId":"new","otherChannelId":")" + leg + "\""), ContainsSubstring(quoted));
    CHECK_THAT(refused(R"("channelId":")" + leg + ";2\""), ContainsSubstring(leg + ";2'"));
    CHECK_THAT(refused(R"("channelId":"new","otherChannelId":"new")"), ContainsSubstring("are the same"));
    std::string upper = leg;
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    CHECK_THAT(refused(R"("channelId":")" + upper + "\""), ContainsSubstring("ignores case"));
    const std::string beginning = stage.id("leg-1");
    const std::string ids = R"("channelId":")" + beginning + "\"";
    if (version == "16") {
      stage.program.call("originate", R"({"endpoint":"Local/answer@default",)" + ids + "}");
      stage.program.call("hangup", params(beginning));
    } else {
      CHECK_THAT(refused(ids), ContainsSubstring(quoted) && ContainsSubstring("begins with"));
      CHECK_THAT(refused(R"("channelId":"new12","otherChannelId":"new1")"), ContainsSubstring("begins with"));
    }
    const std::string snoop = R"("spy":"both","app":")" + stage.app + R"(","snoopId":")" + leg + "\"";
    CHECK_THAT(stage.program.refused("channels.snoopChannel", params(leg, snoop)).message,
               ContainsSubstring(quoted + " exists already"));
    const std::string media = R"("app":")" + stage.app + R"(","external_host":"127.0.0.1:9","format":"ulaw")";
    CHECK_THAT(stage.program.refused("channels.externalMedia", params(leg, media)).message,
               ContainsSubstring(quoted + " exists already"));
    CHECK_THAT(stage.program.refused("originate", R"({"endpoint":"PJSIP/nosuch"})").message,
               ContainsSubstring("Asterisk knows no endpoint 'PJSIP/nosuch'"));
  });
}
