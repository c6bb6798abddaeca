// What a program that is bound to applications sees of records that belong to none.
#include "control/methods/live_snapshot.h"
#include "control/methods/state_methods.h"
#include "tests/catch.h"
#include "tests/unit/pbx/test_server.h"
#include "tests/unit/session/daemon.h"

using namespace aribus;
using aribus::record::IdKind;
using aribus::test::Daemon;
using aribus::test::json;
using aribus::test::Program;

namespace {

// A daemon that knows one Asterisk, whose events the test gives, and a program of the applications ivr and
// "".
struct BoundedStage : Daemon {
  test::TestServer asterisk{loop, test::client_options(test::nowhere, {"ivr", "crm"}), "pbx1", &log};

  explicit BoundedStage(size_t ring_bytes = 256 * 1024) : Daemon({}, 1024, ring_bytes) {
    dispatcher.add_server(asterisk);
    methods.add(
        control::state_methods([this](IdKind kind, const JsonValue& params, const control::Caller& caller) {
          return control::live_objects(dispatcher, log.cursor().text(), kind, params, *caller.principal.rule);
        }));
    set_rule({.name = "ivr", .methods = {"read"}, .apps = {"ivr", ""}});
  }
  ~BoundedStage() { close(); }  // before its Asterisk, as the daemon does
  BoundedStage(const BoundedStage&) = delete;
  void publish(const record::Record& record) { asterisk.publish(record); }
  void event(const std::string& text) { asterisk.event(text); }
  void call(const std::string& app, const std::string& id) {
    event(R"({"type":"ChannelDialplan","application":")" + app + R"(","channel":{"id":")" + id +
          R"(","name":"secret-)" + app + R"(","state":"Up"}})");
  }
  void bridge(const std::string& app, const std::string& id, const std::string& channels) {
    event(
        R"({"type":"BridgeCreated","application":")" + app + R"(","bridge":{"id":")" + id +
        R"(","technology":"simple_bridge","bridge_type":"mixing","bridge_class":"stasis","creator":"","name":"secret-)" +
        app + R"(","channels":[)" + channels + "]}}");
  }
};

record::Record own(const std::string& type, const std::vector<std::pair<IdKind, std::string>>& ids,
                   const std::string& fields = {}) {
  record::Record record = test::record_of(type, "pbx1", "");
  record.fields = fields;
  for (const auto& [kind, id] : ids) record.ids.add(kind, id);
  return record;
}

std::string params_of(const Json& message) {
  return to_text(message["params"]);
}

}  // namespace

TEST_CASE("records of the daemon's own name to a bounded program only what it may see") {
  BoundedStage stage;
  stage.call("ivr", "i1");
  stage.call("crm", "c1");
  stage.call("crm", "c2");
  stage.bridge("crm", "bc", R"("c1","c2")");
  stage.bridge("ivr", "bi", R"("i1","c1")");
  Program program(stage);
  program.ask("subscribe");
  program.line();
  stage.publish(
      own("server.resynced",
          {{IdKind::channel, "c1"}, {IdKind::channel, "i1"}, {IdKind::bridge, "bc"}, {IdKind::bridge, "bi"}},
          R"(,"came":1,"changed":0,"ended":0)"));
  const Json resynced = program.next();
  CHECK(to_text(resynced["params"]["channels"]) == R"(["i1"])");
  CHECK(to_text(resynced["params"]["bridges"]) == R"(["bi"])");
  CHECK(resynced["params"]["came"].GetInt() == 1);
  CHECK(resynced["params"]["seq"].GetUint64() == stage.log.next() - 1);

  stage.publish(own("state.gone", {{IdKind::channel, "c2"}}));
  stage.publish(
      own("state.gone", {{IdKind::channel, "c1"}, {IdKind::channel, "i1"}, {IdKind::bridge, "bi"}}));
  const Json gone = program.next();  // the first one has nothing for it
  CHECK(gone["params"]["seq"].GetUint64() == stage.log.next() - 1);
  CHECK(to_text(gone["params"]["channels"]) == R"(["i1"])");
  CHECK(to_text(gone["params"]["bridges"]) == R"(["bi"])");

  stage.publish(own("command.resolved", {{IdKind::channel, "c9"}}, R"(,"command":"x","outcome":"done")"));
  const Json resolved = program.next();
  CHECK_FALSE(resolved["params"].HasMember("channels"));
  CHECK(resolved["params"]["command"] == "x");

  stage.event(R"({"type":"StasisStart","application":"crm","channel":{"id":"c1","name":"secret"},)");
  const Json malformed = program.next();
  CHECK(malformed["params"]["type"] == "Malformed");
  CHECK(malformed["params"].HasMember("invalid"));
  CHECK_FALSE(malformed["params"].HasMember("text"));
  CHECK(params_of(malformed).find("secret") == std::string::npos);
}

TEST_CASE("a program that is not bound gets those records as they are") {
  BoundedStage stage;
  stage.set_rule({.name = "all", .methods = {"read"}});
  stage.call("crm", "c1");
  Program program(stage);
  program.ask("subscribe");
  program.line();
  stage.publish(own("state.gone", {{IdKind::channel, "c1"}, {IdKind::channel, "never-heard-of"}}));
  CHECK(program.line() + "\n" == stage.log.line(stage.log.next() - 1));
  stage.event("{");
  CHECK(program.next()["params"].HasMember("text"));
}

TEST_CASE("what a bound program sees of very many objects is found out in several turns") {
  BoundedStage stage(4 << 20);
  stage.call("ivr", "i1");
  std::vector<std::pair<IdKind, std::string>> ids;
  for (int i = 0; i < 20'000; ++i) ids.emplace_back(IdKind::channel, "x" + std::to_string(i));
  ids.emplace_back(IdKind::channel, "i1");
  const auto expected = [](const Json& message) {
    return to_text(message["params"]["channels"]) == R"(["i1"])";
  };

  Program one(stage), other(stage);
  for (Program* program : {&one, &other}) {
    program->ask("subscribe");
    program->line();
  }
  stage.publish(own("server.resynced", ids));
  stage.call("ivr", "i2");
  for (Program* program : {&one, &other}) {
    CHECK(expected(program->next()));
    CHECK(params_of(program->next()).find("i2") != std::string::npos);
  }

  const uint64_t seq = stage.log.next() - 2;
  const control::AccessRule rule{.name = "ivr", .methods = {"read"}, .apps = {"ivr", ""}};
  session::VisibleLine line(stage.log, seq);
  const bus::Filter filter({});
  int steps = 1;
  std::optional<std::string> shown;
  while (!(shown = line.next(filter, stage.dispatcher, rule))) ++steps;
  CHECK(steps == 5);
  CHECK(shown->find(R"("channels":["i1"])") != std::string::npos);

  // The rule changes in the middle: the record is looked at anew.
  auto subscription = session::Subscription::make(
      test::json(R"({"since":")" + bus::Cursor{stage.log.stream(), seq - 1}.text() + "\"}"), stage.log,
      stage.dispatcher, rule);
  REQUIRE(subscription);
  std::vector<iovec> pieces;
  subscription->gather(1 << 20, pieces);
  REQUIRE(subscription->is_at_own_record());
  CHECK_FALSE(subscription->take_own_record(stage.dispatcher, rule));
  const control::AccessRule crm{.name = "crm", .methods = {"read"}, .apps = {"crm", ""}};
  subscription->bound_by(crm);
  subscription->gather(1 << 20, pieces);
  REQUIRE(subscription->is_at_own_record());
  while (!(shown = subscription->take_own_record(stage.dispatcher, crm))) continue;
  CHECK(shown->find("i1") == std::string::npos);
}

TEST_CASE("runs of records around one of the daemon's own come in order, whole") {
  BoundedStage stage;
  Program program(stage);
  program.ask("subscribe");
  program.line();
  for (int i = 0; i < 300; ++i) {
    stage.call(i % 3 == 0 ? "crm" : "ivr", "x" + std::to_string(i));
    if (i % 5 == 0) stage.publish(own("server.resynced", {{IdKind::channel, "x" + std::to_string(i)}}));
  }
  uint64_t last = 0;
  for (int expected = 200 + 60; expected > 0; --expected) {
    const Json message = program.next();
    REQUIRE(message.HasMember("params"));
    const JsonValue& record = message["params"];
    CHECK(record["seq"].GetUint64() > last);
    last = record["seq"].GetUint64();
    CHECK(params_of(message).find("crm") == std::string::npos);
  }
}

TEST_CASE("state and snapshot show a bounded program its own, though it sees what is in no application") {
  BoundedStage stage;
  stage.call("ivr", "i1");
  stage.call("crm", "c1");
  stage.call("", "n1");
  stage.bridge("crm", "bc", R"("c1")");
  stage.bridge("crm", "empty", "");
  stage.bridge("", "free", "");
  stage.bridge("ivr", "bi", R"("i1")");
  const auto play = [&](const std::string& app, const std::string& id, const std::string& target) {
    stage.event(R"({"type":"PlaybackStarted","application":")" + app + R"(","playback":{"id":")" + id +
                R"(","media_uri":"sound:x","target_uri":")" + target +
                R"(","language":"en","state":"playing"}})");
  };
  play("crm", "pc", "channel:c1");
  play("crm", "pb", "bridge:bc");
  play("ivr", "pi", "channel:i1");
  Program program(stage);
  program.ask("subscribe", R"({"snapshot":true})");
  const std::string snapshot = to_text(program.next()["result"]["snapshot"]);
  CHECK(snapshot.find("crm") == std::string::npos);
  for (const char* id : {R"("i1")", R"("n1")", R"("bi")", R"("free")", R"("pi")"}) {
    CHECK(snapshot.find(id) != std::string::npos);
  }
  for (const char* id : {R"("c1")", R"("bc")", R"("empty")", R"("pc")", R"("pb")"}) {
    CHECK(snapshot.find(id) == std::string::npos);
  }
  program.ask("state.bridges");
  CHECK(program.next()["result"]["bridges"].Size() == 2);
}

TEST_CASE("the deepest thing comes in lines that every client reads") {
  BoundedStage stage;
  stage.set_rule({.name = "all", .methods = {"read"}});
  const std::string deep = std::string(62, '[') + std::string(62, ']');  // in an event it is 64 levels
  stage.event(
      R"({"type":"StasisStart","application":"crm","args":[],"channel":{"id":"c1","name":"n","state":"Up","x":)" +
      deep + "}}");
  Program program(stage);
  for (const char* ask : {R"({"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"snapshot":true}})",
                          R"([{"jsonrpc":"2.0","id":1,"method":"state.channels"}])"}) {
    program.say(ask);
    const std::string line = program.line();
    CHECK(line.find(deep) != std::string::npos);
    CHECK_FALSE(parse_json(line).ok());
    CHECK(parse_own_json(line).ok());
  }
}

TEST_CASE("a channel that an application dials or has left is seen by who hears of that application") {
  BoundedStage stage;
  const std::string dialled = R"("channel":{"id":"d1","name":"secret-crm","state":"Down"})";
  stage.event(R"({"type":"ChannelCreated","application":"crm",)" + dialled + "}");
  stage.event(R"({"type":"ChannelVarset","application":"crm","variable":"PIN","value":"1234",)" + dialled +
              "}");
  stage.call("crm", "l1");
  stage.event(
      R"({"type":"StasisEnd","application":"crm","channel":{"id":"l1","name":"secret-crm","state":"Up"}})");
  stage.event(
      R"({"type":"ChannelCreated","application":"ivr","channel":{"id":"d2","name":"x","state":"Down"}})");
  Program program(stage);
  program.ask("state.channels");
  const std::string seen = to_text(program.next()["result"]["channels"]);
  CHECK(seen.find("d2") != std::string::npos);
  CHECK(seen.find("crm") == std::string::npos);
  CHECK(seen.find("1234") == std::string::npos);
}

TEST_CASE("a filter by an id that is not shown does not tell whether it lives") {
  BoundedStage stage;
  stage.call("crm", "c1");
  Program program(stage);
  program.ask("subscribe", R"({"channels":["c1"]})");
  program.line();
  stage.publish(own("server.resynced", {{IdKind::channel, "c1"}}));
  stage.publish(own("server.resynced", {{IdKind::channel, "c1"}}));
  program.ask("ping");
  CHECK(program.next()["result"] == "pong");
}

TEST_CASE("a loss at a record of the daemon's own shows no other record in its place") {
  BoundedStage stage;
  const control::AccessRule rule{.name = "ivr", .methods = {"read"}, .apps = {"ivr", ""}};
  auto made = session::Subscription::make(json("{}"), stage.log, stage.dispatcher, rule);
  REQUIRE(made.ok());
  stage.publish(own("server.resynced", {}));
  std::vector<iovec> pieces;
  made->gather(1 << 20, pieces);
  REQUIRE(made->is_at_own_record());
  while (stage.log.first() <= 1) stage.call("crm", "c" + std::to_string(stage.log.next()));
  CHECK_FALSE(made->take_lost().empty());
  CHECK_FALSE(made->is_at_own_record());
  made->gather(1 << 20, pieces);
  CHECK(pieces.empty());
  CHECK_FALSE(made->is_at_own_record());
}

namespace {

// Some megabytes of channels.
void fill(BoundedStage& stage, int count = 3000) {
  for (int i = 0; i < count; ++i) {
    stage.event(R"({"type":"StasisStart","application":")" + std::string(i % 2 == 0 ? "ivr" : "crm") +
                R"(","args":[],"channel":{"id":"c)" + std::to_string(10'000 + i) + R"(","name":")" +
                std::string(1000, 'n') + R"(","state":"Up"}})");
  }
}

}  // namespace

TEST_CASE("a snapshot is of its cursor, though it is read slowly and all that it shows changes or goes") {
  BoundedStage stage;
  stage.set_rule({.name = "all", .methods = {"read"}});
  fill(stage);
  const std::string expected = control::live_snapshot(stage.dispatcher, {}, {.name = "all", .methods = {"read"}}).str();
  const std::string cursor = stage.log.cursor().text();
  Program program(stage);
  program.ask("subscribe", R"({"snapshot":true,"types":["ChannelDestroyed"]})");
  CHECK(stage.pump([&] {
    program.read(1000);
    return program.bytes().size() > 2000;
  }));
  for (int i = 0; i < 3000; ++i) {
    stage.event(R"({"type":"ChannelDestroyed","application":"ivr","cause":16,"cause_txt":"","channel":{"id":"c)" +
                std::to_string(10'000 + i) + R"(","name":"x","state":"Up"}})");
  }
  // The rule that it was asked under is the one that counts.
  stage.set_rule({.name = "less", .methods = {"read"}, .apps = {"nothing"}});
  const std::string line = program.line();
  CHECK(line == R"({"jsonrpc":"2.0","id":1,"result":{"cursor":")" + cursor + R"(","snapshot":)" + expected + "}}");
}

TEST_CASE("records go on while a large snapshot is read, and come behind it") {
  BoundedStage stage;
  stage.set_rule({.name = "all", .methods = {"read"}});
  fill(stage);
  Program slow(stage), quick(stage);
  quick.ask("subscribe", R"({"types":["ChannelVarset"]})");
  quick.line();
  slow.ask("subscribe", R"({"snapshot":true,"types":["ChannelVarset"]})");
  CHECK(stage.pump([&] {
    slow.read(1000);
    return !slow.bytes().empty();
  }));
  for (int i = 0; i < 10; ++i) {
    stage.event(
        R"({"type":"ChannelVarset","application":"ivr","variable":"V","value":"w","channel":{"id":"c10000","name":"x","state":"Up"}})");
    CHECK(quick.next()["params"]["type"] == "ChannelVarset");
  }
  CHECK(slow.line().find("\"V\"") == std::string::npos);
  for (int i = 0; i < 10; ++i) CHECK(slow.next()["params"]["type"] == "ChannelVarset");
}

TEST_CASE("whoever goes away in the middle of a snapshot leaves nothing in memory") {
  BoundedStage stage;
  stage.set_rule({.name = "all", .methods = {"read"}});
  fill(stage);
  const std::weak_ptr<const state::Frozen> version = stage.asterisk.freeze();
  CHECK(version.expired());
  Program program(stage);
  program.ask("subscribe", R"({"snapshot":true})");
  CHECK(stage.pump([&] {
    program.read(1000);
    return !program.bytes().empty();
  }));
  const std::weak_ptr<const state::Frozen> held = stage.asterisk.freeze();
  CHECK_FALSE(held.expired());
  program.close();
  CHECK(stage.pump([&] { return stage.sessions->connections() == 0; }));
  CHECK(stage.pump([&] { return held.expired(); }));
}

TEST_CASE("a stalled reader of a snapshot is counted what it keeps, and asks for no second one then") {
  BoundedStage stage;
  stage.set_rule({.name = "all", .methods = {"read"}});
  stage.limits.max_user_bytes = 1 << 20;
  stage.close();
  stage.open();
  stage.set_rule({.name = "all", .methods = {"read"}});
  fill(stage, 8000);
  Program stalled(stage);
  stalled.ask("subscribe", R"({"snapshot":true,"types":["Nothing"]})");
  CHECK(stage.pump([&] {
    stalled.read(1000);
    return !stalled.bytes().empty();
  }));
  fill(stage, 8000);  // all of them change
  Program other(stage);
  std::string answer;
  // It is counted every two seconds.
  CHECK(stage.pump([&] {
    other.ask("subscribe", R"({"snapshot":true,"types":["Nothing"]})");
    answer = other.line();
    return answer.find("-32004") != std::string::npos;
  }));
}
