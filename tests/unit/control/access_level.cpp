#include "control/access_level.h"

#include "control/method.h"
#include "tests/catch.h"
#include "tests/unit/control/caller.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::control;
using aribus::test::json;

namespace {

AccessLevel level_of(const char* operation) {
  return access_level_of(*ari::find_operation(operation));
}

AccessLevel level_of(const char* method, const std::string& params) {
  return access_level_of(*test::asterisk_methods().find(method), json(params));
}

}  // namespace

TEST_CASE("what reads is read, what acts on calls is control, what reaches everything is admin") {
  CHECK(level_of("channels.list") == AccessLevel::read);
  CHECK(level_of("channels.hangup") == AccessLevel::control);
  CHECK(level_of("applications.subscribe") == AccessLevel::control);
  CHECK(level_of("asterisk.getInfo") == AccessLevel::read);
  CHECK(level_of("asterisk.getObject") == AccessLevel::admin);  // it has passwords
  CHECK(level_of("asterisk.reloadModule") == AccessLevel::admin);
  CHECK(level_of("applications.filter") == AccessLevel::admin);
  CHECK(level_of("applications.unsubscribe") == AccessLevel::admin);
}

TEST_CASE("a call has the level of its method, whatever its parameters are") {
  for (const char* params : {"{}", "null", "[]", "5", R"({"eventSource":"channel:"})"}) {
    CHECK(level_of("channels.list", params) == AccessLevel::read);
    CHECK(level_of("channels.hangup", params) == AccessLevel::control);
  }
}

TEST_CASE("a subscription to all objects of a kind is admin, wherever it is named") {
  for (const char* sources :
       {R"("channel:")", R"("bridge:")", R"("endpoint:PJSIP")", R"("channel:c1,deviceState:")",
        R"(["channel:c1","endpoint:"])", R"([5,"bridge:"])"}) {
    INFO(sources);
    CHECK(level_of("applications.subscribe", R"({"eventSource":)" + std::string(sources) + "}") ==
          AccessLevel::admin);
  }
  for (const char* sources : {R"("channel:c1")", R"("endpoint:PJSIP/100")", R"(["bridge:b1","channel:c1"])",
                              "[]", "5", "null", R"({"x":"channel:"})", R"("")"}) {
    INFO(sources);
    CHECK(level_of("applications.subscribe", R"({"eventSource":)" + std::string(sources) + "}") ==
          AccessLevel::control);
  }
  CHECK(level_of("applications.subscribe", "{}") == AccessLevel::control);
}
