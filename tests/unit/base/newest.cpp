// The newest of many things.
#include "base/newest.h"

#include "tests/catch.h"

using aribus::Newest;

TEST_CASE("of more things than are kept the oldest go") {
  Newest<int> newest(2);
  newest.put("a", 1);
  newest.put("b", 2);
  newest.put("a", 3);  // the newest again
  newest.put("c", 4);
  CHECK(newest.size() == 2);
  REQUIRE(newest.find("a") != nullptr);
  CHECK(*newest.find("a") == 3);
  CHECK(newest.find("b") == nullptr);
  CHECK(newest.find("c") != nullptr);
}

TEST_CASE("what was erased takes no place, and a name that comes again is as new as any other") {
  Newest<int> newest(2);
  for (int i = 0; i < 10; ++i) {
    newest.put("again", i);
    newest.erase("again");
    newest.erase("again");
  }
  newest.put("again", 10);
  newest.put("other", 11);
  REQUIRE(newest.find("again") != nullptr);
  CHECK(*newest.find("again") == 10);
  newest.erase_if([](int value) { return value == 10; });
  CHECK(newest.find("again") == nullptr);
  CHECK(newest.size() == 1);
  newest.clear();
  CHECK(newest.size() == 0);
  CHECK(newest.find("other") == nullptr);
}
