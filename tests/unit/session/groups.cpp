// Members of groups: what they are told, in which order, and what they may do.
#include "record/answer.h"
#include "tests/catch.h"
#include "tests/unit/pbx/test_server.h"
#include "tests/unit/session/daemon.h"

using namespace aribus;
using aribus::test::client_options;
using aribus::test::json;
using aribus::test::nowhere;
using aribus::test::Program;
using aribus::test::TestServer;

namespace {

constexpr const char* made_at = "2026-11-22T21:46:17.690+0000";

// A daemon with an Asterisk whose events the test gives.
struct GroupDaemon : test::Daemon {
  TestServer server{loop, client_options(nowhere, {"demo", "other"}), "pbx1", &log};

  explicit GroupDaemon(size_t ring_bytes = 256 * 1024) : test::Daemon({}, 1024, ring_bytes) {
    dispatcher.add_server(server);
  }
  void event(const std::string& type, const std::string& channel, const std::string& more = {}) {
    server.event(R"({"type":")" + type + R"(","application":"demo",)" + more + R"("channel":{"id":")" + channel +
                 R"(","name":"x","state":"Up","creationtime":")" + made_at + "\"}}");
  }
  void enter(const std::string& channel, const std::string& args = "[]") {
    event("StasisStart", channel, R"("args":)" + args + ",");
  }
  void end(const std::string& channel) {
    event("ChannelHangupRequest", channel, R"("cause":16,)");
    event("StasisEnd", channel);
    event("ChannelDestroyed", channel, R"("cause":16,"cause_txt":"x",)");
  }
  [[nodiscard]] std::string call_of(const std::string& channel) { return std::string(server.calls().call_of(channel)); }
};

constexpr const char* as_member = R"({"group":"g","apps":"demo"})";
std::string named(const std::string& name, const std::string& more = {}) {
  return R"({"group":"g","apps":"demo","member":")" + name + '"' + more + "}";
}

// A notification or record, in a word: "assigned", "StasisStart", ….
std::string word_of(const Json& line) {
  const std::string method(find_string(line, "method"));
  if (method != "event") return method.empty() ? "answer" : method;
  return std::string(find_string(*find(line, "params"), "type"));
}

// The next lines up to one that is `last`, as words.
std::string words_until(Program& program, const std::string& last) {
  std::string words;
  for (std::string word; word != last;) {
    const std::string line = program.line();
    if (line.empty()) return words + " (end)";
    word = word_of(json(line));
    words += (words.empty() ? "" : " ") + word;
  }
  return words;
}

Json params_of(Program& program, const std::string& word) {
  for (;;) {
    const std::string text = program.line();
    REQUIRE_FALSE(text.empty());
    const Json line = json(text);
    if (word_of(line) == word) return copy_of(*find(line, "params"));
  }
}

}  // namespace

TEST_CASE("a member is told of a call before its first record, and after its last") {
  GroupDaemon daemon;
  Program member(daemon);
  member.ask("subscribe", as_member);
  const Json joined = member.next();
  CHECK(std::string(find_string(joined["result"], "member")).starts_with("~"));
  daemon.enter("c1", R"(["sales","7"])");
  const Json assigned = params_of(member, "assigned");
  CHECK(find_string(assigned, "call") == daemon.call_of("c1"));
  CHECK(find_string(assigned, "reason") == "new");
  const JsonValue& snapshot = *find(assigned, "snapshot");
  CHECK(find_string(snapshot, "channel") == "c1");
  CHECK(to_text(*find(snapshot, "args")) == R"(["sales","7"])");
  CHECK(find(snapshot, "channels")->Size() == 1);
  daemon.end("c1");
  CHECK(words_until(member, "released") ==
        "call.started StasisStart call.answered ChannelHangupRequest StasisEnd ChannelDestroyed call.ended released");
}

TEST_CASE("each call goes to one member, and what is about no call to all") {
  GroupDaemon daemon;
  Program first(daemon), second(daemon);
  first.ask("subscribe", as_member);
  first.line();
  second.ask("subscribe", as_member);
  second.line();
  daemon.enter("c1");
  daemon.enter("c2");
  daemon.server.own_record("Mark");
  const std::string of_one = "assigned call.started StasisStart call.answered Mark";
  CHECK(words_until(first, "Mark") == of_one);
  CHECK(words_until(second, "Mark") == of_one);
}

TEST_CASE("types of the filter hold for records, not for what a member is told") {
  GroupDaemon daemon;
  Program member(daemon);
  member.ask("subscribe", R"({"group":"g","apps":"demo","types":"ChannelDtmfReceived"})");
  member.line();
  daemon.enter("c1");
  daemon.event("ChannelDtmfReceived", "c1", R"("digit":"5","duration_ms":100,)");
  daemon.end("c1");
  CHECK(words_until(member, "released") == "assigned ChannelDtmfReceived released");
}

TEST_CASE("the calls of a member whose connection ends go to another one") {
  GroupDaemon daemon;
  Program second(daemon);
  {
    Program first(daemon);
    first.ask("subscribe", as_member);
    first.line();
    daemon.enter("c1");
    CHECK(words_until(first, "assigned") == "assigned");
    second.ask("subscribe", as_member);
    second.line();
  }
  const Json assigned = params_of(second, "assigned");
  CHECK(find_string(assigned, "reason") == "taken_over");
  CHECK(std::string(find_string(assigned, "previous")).starts_with("~"));
  daemon.end("c1");
  CHECK(words_until(second, "released") == "ChannelHangupRequest StasisEnd ChannelDestroyed call.ended released");
}

TEST_CASE("a named member that comes back in time has its calls, and misses no record of them") {
  GroupDaemon daemon;
  std::string cursor;
  {
    Program first(daemon);
    first.ask("subscribe", named("w"));
    first.line();
    daemon.enter("c1");
    words_until(first, "call.answered");
    cursor = daemon.log.cursor().text();
  }
  REQUIRE(daemon.pump([&] { return daemon.sessions->connections() == 0; }));
  daemon.event("ChannelDtmfReceived", "c1", R"("digit":"5","duration_ms":100,)");
  Program again(daemon);
  again.ask("subscribe", named("w", R"(,"since":")" + cursor + '"'));
  CHECK(again.next()["result"]["resumed"].GetBool());
  daemon.end("c1");
  CHECK(words_until(again, "released") == "ChannelDtmfReceived ChannelHangupRequest StasisEnd ChannelDestroyed call.ended released");
}

TEST_CASE("a named member that does not come back in time loses its calls") {
  GroupDaemon daemon;
  Program other(daemon);
  {
    Program first(daemon);
    first.ask("subscribe", named("w"));
    first.line();
    daemon.enter("c1");
    words_until(first, "assigned");
  }
  other.ask("subscribe", named("v"));
  other.line();
  REQUIRE(daemon.pump([&] { return daemon.sessions->connections() == 1; }));
  daemon.pass(Milliseconds(1999));
  daemon.server.own_record("Mark");
  CHECK(words_until(other, "Mark") == "Mark");
  daemon.pass(Milliseconds(2));
  CHECK(words_until(other, "assigned") == "assigned");
}

TEST_CASE("who does not accept an offer in time loses it, and is told") {
  GroupDaemon daemon;
  Program first(daemon), second(daemon);
  first.ask("subscribe", named("first", R"(,"accept_ms":500)"));
  first.line();
  daemon.enter("c1");
  CHECK(words_until(first, "assigned") == "assigned");
  second.ask("subscribe", named("second", R"(,"accept_ms":500)"));
  second.line();
  daemon.pass(Milliseconds(501));
  CHECK(find_string(params_of(first, "released"), "reason") == "unanswered");
  CHECK(find_string(params_of(second, "assigned"), "reason") == "passed_on");
}

TEST_CASE("group.accept and group.decline are for the owner alone, with its epoch") {
  GroupDaemon daemon;
  Program first(daemon), second(daemon);
  first.ask("subscribe", named("first"));
  first.line();
  daemon.enter("c1");
  const Json assigned = params_of(first, "assigned");
  const std::string call(find_string(assigned, "call"));
  const std::string epoch = std::to_string(find(assigned, "epoch")->GetUint64());
  second.ask("subscribe", named("second"));
  second.line();
  const auto about = [&](const std::string& more) { return R"({"call":")" + call + '"' + more + "}"; };
  second.ask("group.accept", about(""));
  const Json refused = second.next();
  CHECK(refused["error"]["code"].GetInt() == -32006);
  CHECK(to_text(refused["error"]["data"]) ==
        R"({"call":")" + call + R"(","group":"g","owner":"first","epoch":)" + epoch + "}");
  first.ask("group.accept", about(R"(,"epoch":1)"));
  CHECK(words_until(first, "answer") == "call.started StasisStart call.answered answer");
  first.ask("group.accept", about(R"(,"epoch":)" + epoch));
  CHECK(first.next()["result"].IsNull());
  CHECK(words_until(first, "group.accepted") == "group.accepted");
  first.ask("group.decline", about(""));
  CHECK(first.next()["result"].IsNull());
  CHECK(find_string(params_of(first, "released"), "reason") == "declined");
  CHECK(find_string(params_of(second, "assigned"), "previous") == "first");
}

TEST_CASE("a member accepts and passes on its call of a group, whatever exclusive group has the call, too") {
  GroupDaemon daemon;
  Program act(daemon), listen(daemon);
  act.ask("subscribe", R"({"group":"act","apps":"demo","exclusive":true})");
  act.line();
  listen.ask("subscribe", as_member);
  listen.line();
  daemon.enter("c1");
  words_until(listen, "call.answered");
  const std::string about = R"({"call":")" + daemon.call_of("c1") + R"("})";
  listen.ask("group.accept", about);
  CHECK(words_until(listen, "answer") == "answer");
  CHECK(words_until(listen, "group.accepted") == "group.accepted");
  listen.ask("group.decline", about);
  CHECK(words_until(listen, "released") == "answer released");
}

TEST_CASE("the epoch of a command about several calls is that of one of them") {
  GroupDaemon daemon;
  Program member(daemon);
  member.ask("subscribe", named("w"));
  member.line();
  daemon.enter("c1");
  daemon.pass(Milliseconds(5));
  daemon.enter("c2");
  words_until(member, "call.answered");
  words_until(member, "call.answered");
  const groups::Group& group = *daemon.assignments.groups().find("g");
  const auto connection = group.members().begin()->second->connection;
  const std::string first = daemon.call_of("c1"), second = daemon.call_of("c2");
  const uint64_t epoch = group.find(first)->epoch, other = group.find(second)->epoch;
  REQUIRE(epoch != other);
  const auto check = [&](const std::vector<std::string>& calls, std::optional<uint64_t> given) {
    return daemon.assignments.check(daemon.server, connection, {.calls = calls, .bridges = {}}, given).ok();
  };
  CHECK(check({first, second}, epoch));
  CHECK(check({first, second}, other));
  CHECK_FALSE(check({first, second}, other + 1));
  CHECK_FALSE(check({first}, other));
  CHECK_FALSE(check({first, "unknown"}, other));  // which says nothing of the epoch
  CHECK(check({first, "unknown"}, epoch));
}

TEST_CASE(
    "a command that waits when its member's connection ends is not sent once another one has the call") {
  GroupDaemon daemon;
  Program member(daemon);
  member.ask("subscribe", as_member);
  member.line();
  daemon.enter("c1");
  words_until(member, "call.answered");
  const groups::Group& group = *daemon.assignments.groups().find("g");
  const auto connection = group.members().begin()->second->connection;
  const std::string call = daemon.call_of("c1");
  const auto may =
      daemon.assignments.check_again(daemon.server, connection, {.calls = {call}, .bridges = {}}, {});
  CHECK(may());
  Program other(daemon);
  other.ask("subscribe", as_member);
  other.line();
  member.close();
  CHECK(find_string(params_of(other, "assigned"), "reason") == "taken_over");
  const Result<void> refused = may();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::not_owner);
}

TEST_CASE("a call is handed over to a member by its name") {
  GroupDaemon daemon;
  Program first(daemon), second(daemon);
  first.ask("subscribe", named("first"));
  first.line();
  daemon.enter("c1");
  words_until(first, "call.answered");
  second.ask("subscribe", named("second"));
  second.line();
  const std::string call = daemon.call_of("c1");
  first.ask("group.handover", R"({"call":")" + call + R"(","to":"third"})");
  CHECK(first.next()["error"]["code"].GetInt() == -32602);
  first.ask("group.handover", R"({"call":")" + call + R"(","to":"second"})");
  CHECK(words_until(first, "released") == "answer released");
  CHECK(find_string(params_of(second, "assigned"), "reason") == "handed_over");
}

TEST_CASE("a member that leaves is told when it is done") {
  GroupDaemon daemon;
  Program first(daemon);
  first.ask("subscribe", named("first"));
  first.line();
  daemon.enter("c1");
  words_until(first, "call.answered");
  first.ask("group.leave", R"({"drain":true})");
  CHECK(find(first.next()["result"], "calls")->GetInt() == 1);
  daemon.enter("c2");  // is not offered to it
  daemon.end("c1");
  CHECK(words_until(first, "left") == "ChannelHangupRequest StasisEnd ChannelDestroyed call.ended released left");
  first.ask("group.leave");
  CHECK(first.next()["error"]["code"].GetInt() == -32602);
  daemon.server.own_record("Mark");
  CHECK(words_until(first, "Mark") == "Mark");
}

TEST_CASE("leaving without drain passes the calls on at once, as another subscription does") {
  GroupDaemon daemon;
  Program first(daemon), second(daemon);
  second.ask("subscribe", named("second", R"(,"capacity":0)"));
  second.line();
  first.ask("subscribe", named("first"));
  first.line();
  daemon.enter("c1");
  words_until(first, "call.answered");
  first.ask("group.leave");
  CHECK(words_until(first, "left") == "answer released left");
  first.ask("subscribe", named("first"));
  words_until(first, "answer");
  CHECK(find_string(params_of(first, "assigned"), "reason") == "taken_over");
  first.ask("subscribe", R"({"types":"Mark"})");  // as a member it would be told of its call
  first.line();
  CHECK(daemon.assignments.groups().stats(daemon.assignments.now()).at("g").waiting == 1);
}

TEST_CASE("of two connections with one name the newer one is the member") {
  GroupDaemon daemon;
  Program older(daemon);
  older.ask("subscribe", named("w"));
  older.line();
  daemon.enter("c1");
  words_until(older, "call.answered");
  Program newer(daemon);
  newer.ask("subscribe", named("w"));
  CHECK(older.next()["error"]["code"].GetInt() == -32006);
  CHECK(older.ended());
  newer.line();
  daemon.event("ChannelDtmfReceived", "c1", R"("digit":"5","duration_ms":100,)");
  CHECK(find_string(params_of(newer, "assigned"), "reason") == "lost");  // it was not there before
  CHECK(words_until(newer, "ChannelDtmfReceived") == "ChannelDtmfReceived");
}

TEST_CASE("a member whose records are lost is told of its calls again") {
  GroupDaemon daemon(64 * 1024);
  Program member(daemon);
  member.ask("subscribe", as_member);
  member.line();
  daemon.enter("c1");
  words_until(member, "call.answered");
  const std::string padding(4000, 'x');
  for (int i = 0; i < 40; ++i)
    daemon.event("ChannelVarset", "c1", R"("variable":"A","value":")" + padding + R"(",)");
  daemon.enter("c2");
  const Json lost = params_of(member, "lost");
  CHECK(find(lost, "records")->GetInt() > 0);
  const Json again = member.next();
  CHECK(word_of(again) == "assigned");
  CHECK(find_string(again["params"], "reason") == "lost");
  CHECK(find_string(again["params"], "call") == daemon.call_of("c1"));
  const Json fresh = params_of(member, "assigned");  // what came afterwards is told once
  CHECK(find_string(fresh, "reason") == "new");
  CHECK(find_string(fresh, "call") == daemon.call_of("c2"));
}

TEST_CASE("the beginning that a member is told of is that of the application of its group") {
  GroupDaemon daemon;
  Program sales(daemon), support(daemon);
  sales.ask("subscribe", as_member);
  sales.line();
  support.ask("subscribe", R"({"group":"support","apps":"other"})");
  support.line();
  const auto move = [&](const std::string& from, const std::string& to, const std::string& args) {
    const std::string channel =
        R"("channel":{"id":"c1","name":"x","state":"Up","creationtime":")" + std::string(made_at) + "\"}}";
    daemon.server.event(R"({"type":"StasisEnd","application":")" + from + R"(",)" + channel);
    daemon.server.event(R"({"type":"StasisStart","application":")" + to + R"(","args":)" + args + "," +
                        channel);
  };
  daemon.enter("c1", R"(["first"])");
  CHECK(to_text(*find(*find(params_of(sales, "assigned"), "snapshot"), "args")) == R"(["first"])");
  move("demo", "other", R"(["second"])");
  CHECK(find_string(params_of(sales, "released"), "reason") == "left");
  CHECK(to_text(*find(*find(params_of(support, "assigned"), "snapshot"), "args")) == R"(["second"])");
  move("other", "demo", R"(["third"])");
  CHECK(to_text(*find(*find(params_of(sales, "assigned"), "snapshot"), "args")) == R"(["third"])");
}

TEST_CASE("a call that is found when Asterisk is seen for the first time waits for who says that it has it") {
  GroupDaemon daemon;
  groups::Settings settings;
  settings.name = "g";
  settings.apps = {"demo"};
  daemon.assignments.configure({settings});
  Program other(daemon), owner(daemon);
  other.ask("subscribe", named("other"));
  other.line();
  daemon.pass(Milliseconds(5000));  // it takes long to find it
  record::Record found;
  found.time = wall_now();
  found.server = "pbx1";
  found.app = "demo";
  found.type = "StasisStart";
  found.add_member("args", "[]");
  found.add_member("channel",
                   R"({"id":"c1","name":"x","state":"Up","creationtime":")" + std::string(made_at) + "\"}");
  found.add_member("synthetic", "true");
  record::lift_ids(found.member("channel"), found.ids);
  daemon.server.publish(found);
  const std::string call = daemon.call_of("c1");
  REQUIRE(daemon.assignments.groups().find("g")->find(call) != nullptr);
  CHECK(daemon.assignments.groups().find("g")->find(call)->owner == nullptr);
  owner.ask("subscribe", named("owner", R"(,"holds":{"call":")" + call + R"(","epoch":1234567890123})"));
  owner.line();
  const Json assigned = params_of(owner, "assigned");
  CHECK(find_string(assigned, "reason") == "held");
  CHECK(find(assigned, "epoch")->GetUint64() == 1234567890123);
}

TEST_CASE("a call that ended or was moved in a gap ends for its member, or stays with it") {
  GroupDaemon daemon;
  Program member(daemon);
  member.ask("subscribe", R"({"group":"g","apps":["demo","other"]})");
  member.line();
  const auto found = [&](const std::string& type, const std::string& app) {
    record::Record record;
    record.time = wall_now();
    record.server = "pbx1";
    record.app = app;
    record.type = type;
    if (type == "StasisStart") record.add_member("args", "[]");
    record.add_member(
        "channel", R"({"id":"c1","name":"x","state":"Up","creationtime":")" + std::string(made_at) + "\"}");
    record.add_member("synthetic", "true");
    record::lift_ids(record.member("channel"), record.ids);
    daemon.server.publish(record);
  };
  daemon.enter("c1");
  words_until(member, "call.answered");
  found("StasisEnd", "demo");
  found("StasisStart", "other");
  CHECK(words_until(member, "StasisStart") == "StasisEnd StasisStart");
  found("StasisEnd", "other");
  found("ChannelDestroyed", "other");
  CHECK(words_until(member, "call.ended") == "StasisEnd ChannelDestroyed call.ended");
  CHECK(find_string(params_of(member, "released"), "reason") == "ended");
}

TEST_CASE("a call that left in a gap is released once that is known") {
  GroupDaemon daemon;
  Program member(daemon);
  member.ask("subscribe", as_member);
  member.line();
  daemon.enter("c1");
  words_until(member, "call.answered");
  record::Record left;
  left.time = wall_now();
  left.server = "pbx1";
  left.app = "demo";
  left.type = "StasisEnd";
  left.add_member("channel",
                  R"({"id":"c1","name":"x","state":"Up","creationtime":")" + std::string(made_at) + "\"}");
  left.add_member("synthetic", "true");
  record::lift_ids(left.member("channel"), left.ids);
  daemon.server.publish(left);
  CHECK(find_string(params_of(member, "released"), "reason") == "left");
}

TEST_CASE("a call of which the log holds only its group's records is over if Asterisk does not have it") {
  GroupDaemon daemon;
  daemon.enter("c1");
  Program member(daemon);
  member.ask("subscribe", as_member);
  member.line();
  daemon.enter("c2");
  const std::string call(find_string(params_of(member, "assigned"), "call"));
  const auto recall = [&](const std::string& id) {
    record::Record accepted = record::own_record(
        record::GroupAccepted{.group = "g", .call = id, .member = "w", .epoch = 7}, "pbx1", wall_now());
    accepted.app = "demo";
    accepted.ids.add(record::IdKind::call, id);
    daemon.assignments.recall(daemon.server, accepted, daemon.log.next());
  };
  recall("pbx1/over/1");
  CHECK(daemon.assignments.groups().knows("pbx1/over/1"));
  daemon.assignments.ready(daemon.server);
  CHECK_FALSE(daemon.assignments.groups().knows("pbx1/over/1"));
  CHECK(daemon.assignments.groups().knows(call));
}

TEST_CASE("what only members may say is refused to others, and names stay short in errors") {
  GroupDaemon daemon;
  Program program(daemon);
  const auto error = [&](const std::string& params) {
    program.ask("subscribe", params);
    return std::string(find_string(program.next()["error"], "message"));
  };
  CHECK(error(R"({"capacity":1})") == "capacity: it is only for members of a group: `group` is missing");
  CHECK(error(R"({"lease_ms":1})") == "lease_ms: it is only for members of a group: `group` is missing");
  CHECK(error(R"({"group":")" + std::string(1000, 'x') + R"("})") ==
        "the name of a group has at most 128 bytes");
  CHECK(error(R"({"group":"g","apps":["demo"],"holds":{"call":")" + std::string(513, 'x') +
              R"(","epoch":1}})") ==
        "holds: an array of objects with `call` and `epoch` is expected, not a value of type object");
  CHECK(daemon.assignments.groups().all().empty());
}

TEST_CASE("a member needs a rule that allows it") {
  GroupDaemon daemon;
  control::AccessRule rule{.name = "some", .methods = {"read", "control"}, .call_groups = {"sales*"}};
  daemon.set_rule(rule);
  Program program(daemon);
  program.ask("subscribe", as_member);
  CHECK(program.next()["error"]["code"].GetInt() == -32003);
  program.ask("subscribe", R"({"group":"sales1","apps":"demo"})");
  CHECK(program.next()["result"].HasMember("member"));
  rule.methods = {"read"};
  daemon.set_rule(rule);
  CHECK(program.next()["error"]["code"].GetInt() == -32003);
  CHECK(program.ended());
  rule.methods = {"read", "control"};
  rule.apps = {"other"};
  daemon.set_rule(rule);
  Program bounded(daemon);
  bounded.ask("subscribe", R"({"group":"sales1","apps":"demo"})");
  CHECK(bounded.next()["error"]["code"].GetInt() == -32003);
}

TEST_CASE("wrong parameters of a member are refused and change nothing") {
  GroupDaemon daemon;
  Program program(daemon);
  for (const char* wrong :
       {R"({"group":"g"})", R"({"group":"","apps":"demo"})", R"({"group":"g","apps":[]})",
        R"({"member":"w"})", R"({"accept_ms":5})", R"({"group":"g","apps":"demo","member":"~w"})",
        R"({"group":"g","apps":"demo","holds":[{"call":"c"}]})", R"({"group":"g","apps":"demo","holds":[{}]})",
        R"({"group":"g","apps":"demo","fallback":"play"})", R"({"group":"g","apps":"demo","fallback":"x"})",
        R"({"group":"g","apps":"demo","capacity":-1})", R"({"group":"g","apps":"demo","accept_ms":0})"}) {
    program.ask("subscribe", wrong);
    const Json answer = program.next();
    CAPTURE(wrong, to_text(answer));
    CHECK(answer["error"]["code"].GetInt() == -32602);
  }
  CHECK_FALSE(daemon.assignments.is_in_use());
  program.ask("subscribe", R"({"group":"g","apps":"demo","accept_ms":700})");
  CHECK(program.next().HasMember("result"));
  Program other(daemon);
  other.ask("subscribe", R"({"group":"g","apps":"demo","accept_ms":800})");
  CHECK(find_string(other.next()["error"], "message") == "the group 'g' has `accept: 700 ms`, not 800 ms");
  other.ask("subscribe", R"({"group":"g"})");
  CHECK(other.next().HasMember("result"));
}

TEST_CASE("calls with the same key go to the same member") {
  GroupDaemon daemon;
  Program first(daemon), second(daemon);
  first.ask("subscribe", named("first"));
  first.line();
  second.ask("subscribe", named("second"));
  second.line();
  daemon.enter("c1", R"(["x","key=alice"])");
  daemon.enter("c2", R"(["key=bob"])");
  daemon.enter("c3", R"(["key=alice"])");
  daemon.server.own_record("Mark");
  const std::string rest = " call.started StasisStart call.answered";
  CHECK(words_until(first, "Mark") == "assigned" + rest + " assigned" + rest + " Mark");
  CHECK(words_until(second, "Mark") == "assigned" + rest + " Mark");
}
