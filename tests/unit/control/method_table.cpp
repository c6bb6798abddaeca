#include "control/method_table.h"

#include <algorithm>

#include "tests/catch.h"
#include "tests/unit/control/caller.h"

using namespace aribus;
using namespace aribus::control;

TEST_CASE("all methods are listed, sorted") {
  MethodTable table;
  test::add_asterisk_methods(table);
  table.add({.name = "ping"});
  const auto names = table.names();
  CHECK(std::ranges::is_sorted(names));
  CHECK(names.size() == table.all().size());
  for (const char* name :
       {"ari.request", "bridge", "channels.answer", "hangup", "originate", "ping", "play"}) {
    CHECK(std::ranges::count(names, name) == 1);
  }
}

TEST_CASE("a method is found by its name, and one that is added again is replaced") {
  MethodTable table;
  table.add({.name = "ping", .access_level = AccessLevel::read});
  table.add({.name = "ping", .access_level = AccessLevel::admin});
  REQUIRE(table.find("ping") != nullptr);
  CHECK(table.find("ping")->access_level == AccessLevel::admin);
  CHECK(table.find("pin") == nullptr);
  CHECK(table.all().size() == 1);
}
