#include "base/sharded_map.h"

#include <map>
#include <random>
#include <string>

#include <catch2/catch.hpp>

using namespace aribus;

TEST_CASE("a sharded map finds, counts and erases as a map does, and its entries stay where they are") {
  std::mt19937 random(7);
  ShardedMap<int> map;
  std::map<std::string, int> expected;
  const auto& first = map.add("");
  expected[""] = 0;
  for (int step = 0; step < 20'000; ++step) {
    const std::string text = std::to_string(random() % 3000) + (step % 3 == 0 ? "/" : "");
    if (random() % 3 == 0) {
      REQUIRE((map.find(text) != nullptr) == expected.contains(text));
      map.erase(text);
      expected.erase(text);
    } else {
      map.add(text).second = step;
      expected[text] = step;
    }
  }
  CHECK(map.size() == expected.size());
  std::map<std::string, int> found;
  map.each([&](const auto& entry) { found.insert(entry); });
  CHECK(found == expected);
  for (const auto& [text, value] : expected) CHECK(map.find(text)->second == value);
  CHECK(map.find("") == &first);
  CHECK(map.find("no") == nullptr);
}
