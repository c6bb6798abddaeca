// Lines of `aribus tail` for people.
#include "cli/call_view.h"

#include "cli/terminal.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;

namespace {

std::string channel_member(const std::string& id, const std::string& name, const std::string& who = "Alice",
                           const std::string& number = "100") {
  return R"("channel":{"id":")" + id + R"(","name":")" + name + R"(","state":"Up","caller":{"name":")" + who +
         R"(","number":")" + number + R"("},"creationtime":"2026-11-22T21:46:07.000Z"})";
}

struct ViewStage {
  CallView view;
  std::string time = "2026-11-22T21:46:16.000Z";

  explicit ViewStage(bool all = false) : view(all) {
    tell("Malformed", R"("invalid":"x","bytes":1)");  // behind it the date is known
  }
  std::vector<std::string> all_lines(const std::string& type, const std::string& members,
                                     const std::string& server = "pbx1") {
    std::vector<std::string> out;
    for (const Text& line :
         view.lines(test::json(R"({"seq":1,"time":")" + time + R"(","server":")" + server +
                               R"(","app":"demo","type":")" + type + "\"," + members + "}"))) {
      out.push_back(line.printed(false));
    }
    return out;
  }
  // The line without its time; "" when there is none.
  std::string tell(const std::string& type, const std::string& members, const std::string& server = "pbx1") {
    const std::vector<std::string> lines = all_lines(type, members, server);
    return lines.empty() ? "" : lines.back().substr(15);
  }
};

std::string who(const std::string& text) {
  return fitted(text, 28) + "  ";
}

}  // namespace

TEST_CASE("a line has the time in UTC, who, what and the id for commands") {
  ViewStage stage;
  stage.view = CallView(false);
  const auto first =
      stage.all_lines("StasisStart", R"("args":["in","100"],)" + channel_member("1795384777.12", "PJSIP/1"));
  REQUIRE(first.size() == 2);
  CHECK(first[0] == "2026-11-22, times in UTC");
  CHECK(first[1] == "21:46:16.000Z  #1 Alice <100>                enters demo (in, 100)  1795384777.12");
  CHECK(stage.all_lines("StasisEnd", channel_member("1795384777.12", "PJSIP/1")).size() == 1);
  stage.time = "2026-11-23T00:00:01.000Z";
  const auto later = stage.all_lines("ChannelDestroyed", R"("cause":16,"cause_txt":"Normal Clearing",)" +
                                                             channel_member("1795384777.12", "PJSIP/1"));
  REQUIRE(later.size() == 2);
  CHECK(later[0] == "2026-11-23, times in UTC");
  CHECK(later[1].ends_with("hung up after 2 h 13 min: Normal Clearing  1795384777.12"));
  CHECK(stage.tell("ChannelVarset", channel_member("c2", "PJSIP/2")).empty());
}

TEST_CASE("long and wide names don't move what comes behind") {
  ViewStage stage;
  for (const std::string name :
       {"Al", "A name that is longer than its column is wide", "日本語テスト太郎", "📞 Bob"}) {
    const std::string line = stage.tell("ChannelHold", channel_member("c-" + name, "PJSIP/1", name));
    const size_t at = line.find("is on hold");
    REQUIRE(at != std::string::npos);
    CHECK(cells(line.substr(0, at)) == 30);
    CHECK_THAT(line, ContainsSubstring("<100>"));
  }
}

TEST_CASE("the daemon's own records are sentences, with reasons, times and outcomes") {
  ViewStage stage;
  CHECK(stage.tell("server.connected", R"("version":"22.1","startup_time":"2026-11-22T20:00:00.000Z")") ==
        who("pbx1") + "connected to Asterisk 22.1");
  CHECK(stage.tell("server.disconnected", R"("reason":"closed with code 1001")") ==
        who("pbx1") + "disconnected: closed with code 1001");
  CHECK(stage.tell("server.connected", R"("version":"22.1","startup_time":"2026-11-22T21:46:10.000Z")") ==
        who("pbx1") + "connected to Asterisk 22.1, which was restarted at 21:46:10.000Z");
  CHECK(stage.tell("server.gap", R"("from":"2026-11-22T21:46:00.500Z","to":"2026-11-22T21:46:12.000Z",)"
                                 R"("reason":"closed with code 1001")") ==
        who("pbx1") +
            "events from 21:46:00.500Z to 21:46:12.000Z (11.5 s) may be missing: closed with code 1001");
  CHECK(stage.tell("server.resynced", R"("came":2,"changed":0,"ended":3,"channels":["c1","c2"])") ==
        who("pbx1") +
            "what is known of calls is as Asterisk has it; unseen before: 2 appeared, 0 changed, 3 ended");
  CHECK_THAT(stage.tell("server.resynced", R"("came":0,"changed":0,"ended":0)"),
             ContainsSubstring("nothing had changed"));
  CHECK(stage.tell("server.replaced", R"("x":1)") ==
        who("pbx1") +
            "another client has taken the application demo: its events go there; 'aribus call reclaim' "
            "takes it back");
  CHECK_THAT(stage.tell("server.removed", R"("x":1)"),
             ContainsSubstring("was removed from the configuration"));
  CHECK(stage.tell("command.resolved",
                   R"("channels":["c1"],"command":"aribus-9a","method":"channels.originate",)"
                   R"("outcome":"done","exists":true,"reason":"it exists")") ==
        who("pbx1") +
            "channels.originate had no answer: it was carried out, it exists (command aribus-9a)  c1");
  CHECK_THAT(
      stage.tell("command.resolved", R"("method":"channels.originate","outcome":"not_done","reason":"r")"),
      ContainsSubstring("it was not carried out, r"));
  CHECK_THAT(
      stage.tell("command.resolved", R"("method":"channels.originate","outcome":"unknown","reason":"r")"),
      ContainsSubstring("what became of it stays unknown, r"));
  CHECK(stage.tell("Malformed", R"("invalid":"no JSON","bytes":7)") ==
        who("pbx1") + "Asterisk sent a message that can't be read: no JSON");
  CHECK(stage.tell("state.gone", R"("channels":["c1"])").empty());
}

TEST_CASE("with everything asked for, all records have a line with what they are about") {
  ViewStage stage(true);
  CHECK(stage.tell("state.gone", R"("channels":["c1","c2"],"bridges":["b1"])") ==
        who("pbx1") + "Asterisk sends no more events about c1, c2, b1");
  CHECK(stage.tell("BridgeCreated", R"("bridges":["b1"],"bridge":{"id":"b1"})") ==
        who("") + "BridgeCreated  b1");
  CHECK(stage.tell("ChannelVarset", channel_member("c1", "PJSIP/1")) ==
        who("#1 Alice <100>") + "ChannelVarset  c1");
}

TEST_CASE("the halves of a Local channel are one call, and tell things once") {
  ViewStage stage;
  const std::string first = channel_member("l1", "Local/7@x-0001;1"),
                    second = channel_member("l2", "Local/7@x-0001;2", "Bob", "7");
  CHECK(stage.tell("StasisStart", first) == who("#1 Alice <100>") + "enters demo  l1");
  CHECK(stage.tell("ChannelStateChange", first) == who("#1 Alice <100>") + "answered  l1");
  CHECK(stage.tell("ChannelStateChange", second).empty());
  // What is its own is told.
  CHECK(stage.tell("StasisStart", second) == who("#1 Alice <100>") + "enters demo  l2");
  CHECK(stage.tell("ChannelDestroyed", R"("cause":16,"cause_txt":"Normal Clearing",)" + first) ==
        who("#1 Alice <100>") + "hung up after 9.0 s: Normal Clearing  l1");
  CHECK(stage.tell("ChannelDestroyed", R"("cause":16,"cause_txt":"Normal Clearing",)" + second).empty());
  // Another one, of which only the second half is to be seen, and one of another Asterisk.
  CHECK(stage.tell("ChannelStateChange", second) == who("#2 Bob <7>") + "answered  l2");
  CHECK(stage.tell("ChannelStateChange", first, "pbx2") == who("#3 Alice <100>") + "answered  l1");
}

TEST_CASE("what the second half of a Local channel reports first, the first half does not tell again") {
  ViewStage stage;
  const std::string first = channel_member("l1", "Local/7@x-0001;1"),
                    second = channel_member("l2", "Local/7@x-0001;2");
  CHECK(stage.tell("ChannelStateChange", second) == who("#1 Alice <100>") + "answered  l2");
  CHECK(stage.tell("ChannelStateChange", first).empty());
  CHECK(stage.tell("StasisStart", first) == who("#1 Alice <100>") + "enters demo  l1");
}

TEST_CASE("who waits in a queue, and what ended unseen, is said") {
  ViewStage stage;
  const std::string bridge = R"(,"bridge":{"id":"b1","name":"support","bridge_type":"holding"})";
  CHECK(stage.tell("ChannelEnteredBridge", channel_member("c1", "PJSIP/1") + bridge) ==
        who("#1 Alice <100>") + "waits in support  c1");
  CHECK_THAT(stage.tell("ChannelLeftBridge", channel_member("c1", "PJSIP/1") + bridge),
             ContainsSubstring("waits no longer in support"));
  CHECK(
      stage.tell("PlaybackStarted", R"("playback":{"target_uri":"channel:c1","media_uri":"sound:hello"})") ==
      who("#1 Alice <100>") + "hears sound:hello  c1");
  CHECK(stage.tell("PlaybackStarted", R"("playback":{"target_uri":"bridge:b1","media_uri":"sound:hello"})") ==
        who("bridge:b1") + "hears sound:hello");
  CHECK(stage.tell("StasisEnd", R"("synthetic":true,)" + channel_member("c1", "PJSIP/1")) ==
        who("#1 Alice <100>") + "leaves demo after 9.0 s (found out later)  c1");
  CHECK(stage.tell("ChannelDestroyed", R"("synthetic":true,"cause":0,"cause_txt":"Unknown",)" +
                                           channel_member("c1", "PJSIP/1")) ==
        who("#1 Alice <100>") + "ended unseen, after 9.0 s at most  c1");
}

TEST_CASE("a call begins, is answered and ends: who, to whom, how long, why, how many legs") {
  ViewStage stage;
  const std::string start = R"("calls":["k1"],"channels":["c1"],"direction":"inbound",)"
                            R"("from":{"name":"Alice","number":"100"},"to":{"name":"","number":"200"},)"
                            R"("started":"2026-11-22T21:46:07.000Z")";
  CHECK(stage.tell("call.started", start + R"(,"complete":true)") ==
        who("Alice <100>") + "call begins: inbound, from Alice <100> to 200  k1");
  CHECK(stage.tell("StasisStart", channel_member("c1", "PJSIP/1")) ==
        who("#1 Alice <100>") + "enters demo  c1");
  CHECK(stage.tell("StasisStart", channel_member("c2", "PJSIP/2", "Bob", "201")) ==
        who("#2 Bob <201>") + "enters demo  c2");
  CHECK(stage.tell(
            "call.answered",
            R"("calls":["k1"],"channels":["c1"],"answered":"2026-11-22T21:46:09.100Z","ring_ms":2100)") ==
        who("Alice <100>") + "call answered after 2.1 s  k1");
  CHECK_FALSE(stage.tell("ChannelDestroyed", R"("cause":16,)" + channel_member("c1", "PJSIP/1")).empty());
  const std::string end = start +
                          R"(,"ended":"2026-11-22T21:47:19.000Z","apps":["demo"],"how":"ended",)"
                          R"("ring_ms":2100,"talk_ms":69900,"legs":[{"channel":"c1"},{"channel":"c3"}],)";
  CHECK(stage.tell("call.ended", end + R"("answered":"2026-11-22T21:46:09.100Z","hold_ms":5000,"cause":16,)"
                                       R"("cause_txt":"Normal Clearing","complete":true)") ==
        who("Alice <100>") +
            "call ended after 1 min 12 s: Normal Clearing; from Alice <100> to 200, rang 2.1 s, talked 1 min "
            "09 s, "
            "on hold 5.0 s, 2 legs  k1");
  // What is known of it is forgotten.
  CHECK(stage.tell("call.ended", end + R"("hold_ms":0,"cause":17,"cause_txt":"User busy","complete":false,)"
                                       R"("legs_left_out":7)") ==
        who("Alice <100>") +
            "call ended after 1 min 12 s: User busy; from Alice <100> to 200, rang 2.1 s, nobody answered, "
            "9 legs, a part of it was not seen  k1");
}

TEST_CASE("who is on its first channel is said of a call whose beginning was not shown") {
  ViewStage stage;
  const std::string answered =
      R"("calls":["k1"],"channels":["c1"],"answered":"2026-11-22T21:46:09.100Z","ring_ms":0)";
  CHECK(stage.tell("call.answered", answered) == who("c1") + "call answered after 0.0 s  k1");
  CHECK_FALSE(stage.tell("StasisStart", channel_member("c1", "PJSIP/1")).empty());
  CHECK(stage.tell("call.answered", answered) == who("#1 Alice <100>") + "call answered after 0.0 s  k1");
}

TEST_CASE("a call that goes on where aribusd sees nothing of it, or whose beginning was not seen, says so") {
  ViewStage stage;
  CHECK(stage.tell("call.started",
                   R"("calls":["k1"],"channels":["c1"],"direction":"outbound","complete":false,)"
                   R"("from":{"name":"","number":""},"to":{"name":"","number":"200"},)"
                   R"("started":"2026-11-22T21:46:07.000Z")") ==
        who("200") + "call begins: outbound, to 200, its beginning was not seen  k1");
  CHECK(
      stage.tell("call.ended", R"("calls":["k1"],"channels":["c1"],"direction":"outbound","complete":false,)"
                               R"("from":{"name":"","number":""},"to":{"name":"","number":"200"},)"
                               R"("started":"2026-11-22T21:46:07.000Z","ended":"2026-11-22T21:46:17.000Z",)"
                               R"("how":"left","ring_ms":0,"talk_ms":10000,"hold_ms":0,)"
                               R"("answered":"2026-11-22T21:46:07.000Z","legs":[{"channel":"c1"}])") ==
      who("200") +
          "call went on outside the applications after 10.0 s: Asterisk reports no more of it; to 200, rang "
          "0.0 s, talked 10.0 s, 1 leg, a part of it was not seen  k1");
}
