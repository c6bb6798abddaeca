#include "control/access_rule.h"

#include "tests/catch.h"
#include "tests/unit/control/caller.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::control;
using aribus::test::admin_rule;
using aribus::test::allows;
using aribus::test::control_rule;
using aribus::test::json;

TEST_CASE("what keeps events from all programs is for administrators") {
  const std::string one = R"({"applicationName":"a","eventSource":"channel:c1"})";
  CHECK_FALSE(allows(control_rule, "applications.unsubscribe", one));
  CHECK_FALSE(allows(control_rule, "applications.filter", R"({"applicationName":"a"})"));
  CHECK(allows(admin_rule, "applications.unsubscribe", one));
  CHECK(allows(control_rule, "applications.subscribe", one));
  for (const std::string all :
       {R"("channel:")", R"("bridge:")", R"(["channel:c1","endpoint:"])", R"("channel:c1,deviceState:")"}) {
    const std::string params = R"({"applicationName":"a","eventSource":)" + all + "}";
    INFO(params);
    CHECK_FALSE(allows(control_rule, "applications.subscribe", params));
    CHECK(allows(admin_rule, "applications.subscribe", params));
  }
}

TEST_CASE("a rule without call_groups lets every group be joined, one with them those that match") {
  AccessRule rule{.name = "x"};
  CHECK(rule.may_join("ivr"));
  rule.call_groups = {"ivr", "queue-*"};
  CHECK(rule.may_join("ivr"));
  CHECK(rule.may_join("queue-berlin"));
  CHECK_FALSE(rule.may_join("ivr2"));
  CHECK_FALSE(rule.may_join(""));
}
