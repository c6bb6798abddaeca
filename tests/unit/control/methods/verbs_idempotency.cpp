// A verb that fails at any of its steps does nothing twice when it is repeated with the same key.
#include "tests/unit/control/stage.h"

using namespace aribus;
using aribus::test::ControlStage;

namespace {

// What happens to the request of one step, and to the attempt to undo the steps before it.
enum class Way { refused, refused_for_good, unanswered, unanswered_for_good, unreadable, cut };

struct Verb {
  std::string method;
  std::string params;
  std::vector<std::pair<int, std::string>> steps;  // Asterisk's answers when all goes well
  bool waits = false;                              // for an event behind them
};

const std::string bridge = R"({"id":"b1","bridge_type":"mixing","channels":["c1"]})";

const Verb keyed_verbs[] = {
    {"bridge", R"("channels":["c1"],"bridgeId":"b1")", {{200, bridge}, {204, ""}, {200, bridge}}},
    {"play", R"("channelId":"c1","media":"sound:x")", {{201, R"({"id":"p1"})"}}},
    {"play", R"("channelId":"c1","media":"sound:x","wait":true)", {{201, R"({"id":"p1"})"}}, true},
    {"record",
     R"("channelId":"c1","name":"r1","format":"wav","wait":true)",
     {{201, R"({"name":"r1"})"}},
     true},
    {"originate", R"("endpoint":"PJSIP/1","channelId":"n1")", {{200, R"({"id":"n1"})"}}},
    {"originate",
     R"("endpoint":"PJSIP/1","channelId":"n1","wait":"answer")",
     {{200, R"({"id":"n1"})"}},
     true},
    {"transfer", R"("channelId":"c1","endpoint":"PJSIP/1")", {{204, ""}}},
    {"hangup", R"("channelId":"c1")", {{204, ""}}},
};

struct KeyedStage : ControlStage {
  size_t changes = 0;  // requests that may have changed something, and were not undone
  bool cut = false;

  void send(const Verb& verb) { call(verb.method, "{" + verb.params + R"(,"key":"k"})"); }

  void cut_stream() {
    asterisk.websocket()->close();
    REQUIRE(test::pump(loop, [&] { return !server.client().is_connected(); }));
    cut = true;
  }
  void next(int status, const std::string& body) {
    note(request());
    waiting.front()->answer(status, body);
    waiting.pop_front();
  }
  void note(const std::string& line) {
    if (line.starts_with("POST") || line.starts_with("DELETE /ari/channels")) ++changes;
  }
  void fail(Way way) {
    if (way == Way::unanswered || way == Way::unanswered_for_good) {
      note(request());
      waiting.front()->close();
      waiting.pop_front();
    } else if (way == Way::unreadable) {
      next(200, "<html>");
    } else {
      const std::string line = request();
      waiting.front()->answer(400, R"({"message":"no"})");
      waiting.pop_front();
    }
  }
  // Answers what comes behind the failure until the verb is answered.
  void finish(bool undo_works) {
    const auto settled = [&] { return answer.has_value() || (!cut && !waiting.empty()); };
    while (test::pump(loop, settled) && !answer) {
      const std::string line = request();
      const bool undoes = line.starts_with("DELETE /ari/bridges");
      const bool done = undoes && undo_works;
      if (done) changes = 0;
      waiting.front()->answer(done ? 204 : undoes ? 500 : 404, done ? "" : "{}");
      waiting.pop_front();
    }
    REQUIRE(answer);
  }
};

}  // namespace

TEST_CASE("a verb that fails at any step does nothing twice when it is repeated with its key") {
  for (const Verb& verb : keyed_verbs) {
    for (const Way way : {Way::refused, Way::refused_for_good, Way::unanswered, Way::unanswered_for_good,
                          Way::unreadable, Way::cut}) {
      for (size_t failing = 0; failing < verb.steps.size() + (verb.waits && way == Way::cut ? 1 : 0);
           ++failing) {
        INFO(verb.method + " " + verb.params + ", step " << failing << ", way " << static_cast<int>(way));
        KeyedStage stage;
        if (way == Way::cut && failing == 0) stage.cut_stream();
        stage.send(verb);
        for (size_t i = 0; i < failing; ++i) {
          stage.request();
          if (way == Way::cut && i + 1 == failing && failing < verb.steps.size()) stage.cut_stream();
          stage.next(verb.steps[i].first, verb.steps[i].second);
        }
        if (way != Way::cut) stage.fail(way);
        if (failing == verb.steps.size()) {
          REQUIRE(test::pump(stage.loop, [&] {
            return stage.server.client().open_requests() == 0 && stage.server.waiters().size() > 0;
          }));
          stage.cut_stream();
        }
        stage.finish(way != Way::refused_for_good && way != Way::unanswered_for_good);
        const size_t changes = stage.changes;
        const bool ok = stage.answer->ok();
        const ErrorKind kind = ok ? ErrorKind::internal : stage.answer->error().kind;
        INFO((ok ? **stage.answer : stage.answer->error().message));
        if (changes > 0 && !ok) CHECK((kind == ErrorKind::outcome_unknown || kind == ErrorKind::refused));
        if (changes > 0 && !ok && verb.method == "bridge") CHECK(stage.data("bridgeId") == "b1");

        const size_t requests = stage.asterisk.requests.size();
        stage.send(verb);
        if (changes > 0) {
          REQUIRE(stage.answer);  // at once: it was remembered
          CHECK(stage.answer->ok() == ok);
          CHECK(stage.asterisk.requests.size() == requests);
        }
      }
    }
  }
}
