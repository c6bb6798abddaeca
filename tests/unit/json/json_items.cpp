#include "json/json_items.h"

#include <string>
#include <vector>

#include "tests/catch.h"

using aribus::for_each_item;

namespace {

using Items = std::vector<std::string>;

// The items, or "no array" in the end.
Items items_of(std::string_view array) {
  Items items;
  const bool whole = for_each_item(array, [&](std::string_view item) {
    items.emplace_back(item);
    return true;
  });
  if (!whole) items.emplace_back("no array");
  return items;
}

}  // namespace

TEST_CASE("an array is cut into its items") {
  CHECK(items_of("[]").empty());
  CHECK(items_of(" [ ] ").empty());
  CHECK(items_of("[1]") == Items{"1"});
  CHECK(items_of(R"([{"a":[1,{"b":2}]},"x,]\"}",[[],[]],null])") ==
        Items{R"({"a":[1,{"b":2}]})", R"("x,]\"}")", "[[],[]]", "null"});
  CHECK(items_of("[ 1 , 2 ]\n") == Items{"1 ", "2 "});
  CHECK(items_of(R"(["\\","\\\""])") == Items{R"("\\")", R"("\\\"")"});
}

TEST_CASE("what is no whole array is found out") {
  for (const char* text : {"", " ", "{}", "1", "[", "[1", "[1,", "[1,2", "[\"a", "[\"a\\", "[1]]", "[1] 2", "[{]}",
                           "[1}", "[[1]", "[{\"a\":\"]\"}"}) {
    INFO(text);
    CHECK(items_of(text).back() == "no array");
  }
  // Whether an item is JSON is for others to find out, and an empty one is none.
  CHECK(items_of("[,1]") == Items{"", "1"});
  CHECK(items_of("[1,]") == Items{"1", ""});
}

TEST_CASE("cutting ends when somebody has enough") {
  int count = 0;
  CHECK_FALSE(for_each_item("[1,2,3]", [&](std::string_view) { return ++count < 2; }));
  CHECK(count == 2);
}
