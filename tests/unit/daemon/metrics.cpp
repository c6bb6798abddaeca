// What the metrics say of worker groups.
#include "daemon/metrics.h"

#include "tests/catch.h"
#include "tests/unit/groups/stage.h"
#include "tests/unit/session/daemon.h"

using namespace aribus;
using aribus::test::Stage;
using namespace std::chrono_literals;

namespace {

std::string metrics_of(const groups::Groups* groups, WallTime now = {}) {
  test::Daemon running;
  const TurnMeter meter(running.loop);
  const std::vector<std::unique_ptr<pbx::Server>> none;
  return daemon::metrics_text({.log = running.log,
                               .dispatcher = running.dispatcher,
                               .sessions = *running.sessions,
                               .meter = meter,
                               .asterisks = none,
                               .leaving = none,
                               .started = wall_now(),
                               .groups = groups,
                               .groups_now = now});
}

}  // namespace

TEST_CASE("each group's members, calls and offers are counted") {
  Stage stage({test::ivr_with([](auto& settings) { settings.fallback_after = 3s; })});
  stage.join(1, "w1", 1);
  stage.enter("c1");
  stage.accept(1, "c1");
  stage.enter("c2");
  stage.pass(3s);  // it falls back
  stage.enter("c3");
  stage.join(2, "w2", 1);  // is offered c3
  stage.leave(1);          // c1 waits
  stage.now += 500ms;
  const std::string text = metrics_of(stage.groups.get(), stage.now);
  for (const char* line :
       {R"(aribus_group_members{group="ivr"} 1)", R"(aribus_group_calls{group="ivr"} 1)",
        R"(aribus_group_calls_waiting{group="ivr"} 1)", R"(aribus_group_offers_total{group="ivr"} 2)",
        R"(aribus_group_takeovers_total{group="ivr"} 0)", R"(aribus_group_fallbacks_total{group="ivr"} 1)",
        R"(aribus_group_oldest_offer_seconds{group="ivr"} 0.5)"}) {
    CHECK_THAT(text, ContainsSubstring(std::string(line) + "\n"));
  }
  stage.join(3, "w3");
  CHECK_THAT(metrics_of(stage.groups.get(), stage.now),
             ContainsSubstring("aribus_group_takeovers_total{group=\"ivr\"} 1\n"));
}

TEST_CASE("each metric is declared once, however many groups there are") {
  Stage stage({test::ivr(), test::ivr_with([](auto& settings) { settings.name = "other"; })});
  const std::string text = metrics_of(stage.groups.get(), stage.now);
  for (const char* group : {"ivr", "other"})
    CHECK_THAT(text, ContainsSubstring("aribus_group_members{group=\"" + std::string(group) + "\"} 0\n"));
  const std::string type = "# TYPE aribus_group_members gauge\n";
  CHECK(text.find(type) != std::string::npos);
  CHECK(text.find(type) == text.rfind(type));
}

TEST_CASE("where there are no groups, no metric names one") {
  CHECK_THAT(metrics_of(nullptr), !ContainsSubstring("aribus_group"));
  CHECK_THAT(metrics_of(Stage().groups.get()), !ContainsSubstring("aribus_group"));
}
