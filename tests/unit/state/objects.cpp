#include "state/objects.h"

#include <map>
#include <random>

#include "tests/catch.h"

using namespace aribus::state;

namespace {

using Texts = std::map<std::string, std::string>;

template <typename Range>
Texts texts_of(const Range& objects) {
  Texts texts;
  std::string last;
  for (const auto& [id, object] : objects) {
    REQUIRE(last < id);  // they are sorted
    last = id;
    texts.emplace(id, object.text);
  }
  return texts;
}

void set(Objects& objects, const std::string& id, const std::string& text) {
  Objects::Slot* const known = objects.find_slot(id);
  Objects::Slot& slot = known != nullptr ? *known : objects.add(id);
  Object& object = objects.change(slot);
  objects.grow(text.size() - object.text.size());
  object.text = text;
}

}  // namespace

TEST_CASE("versions show the objects as they were, whatever happens to them") {
  std::mt19937 random(5);
  const auto any = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
  const auto versions = std::make_shared<Versions>();
  Objects objects(versions);
  Texts expected;
  uint64_t number = 1;
  std::vector<std::pair<FrozenObjects, Texts>> kept;
  for (int step = 0; step < 60'000; ++step) {
    // Now more objects are made, now more go: chunks are split and merged.
    const std::string id = "c" + std::to_string(any(3000));
    if (any(10) < (step / 10'000 % 2 == 0 ? 8U : 3U)) {
      const std::string text(any(40), static_cast<char>('a' + any(26)));
      set(objects, id, text);
      expected[id] = text;
    } else if (expected.erase(id) > 0) {
      objects.erase(id);
    }
    if (any(500) == 0) kept.emplace_back(objects.freeze(++number), expected);
    if (kept.size() > 6) kept.erase(kept.begin() + any(6));
  }
  CHECK(texts_of(objects) == expected);
  CHECK(objects.size() == expected.size());
  size_t bytes = 0;
  for (const auto& [id, text] : expected) bytes += text.size();
  CHECK(objects.freeze(++number).text_bytes() == bytes);
  for (const auto& [version, then] : kept) {
    CHECK(texts_of(version) == then);
    CHECK(version.size() == then.size());
    for (int i = 0; i < 3000; ++i) {
      const std::string id = "c" + std::to_string(i);
      const Object* object = version.find(id);
      const auto at = then.find(id);
      REQUIRE((object != nullptr) == (at != then.end()));
      if (object != nullptr) REQUIRE(object->text == at->second);
    }
  }
  for (int i = 0; i < 3000; ++i) {
    const std::string id = "c" + std::to_string(i);
    REQUIRE((objects.find(id) != nullptr) == expected.contains(id));
    const auto from = objects.from(id);
    const auto at = expected.lower_bound(id);
    REQUIRE((from == objects.end()) == (at == expected.end()));
    if (at != expected.end()) REQUIRE((*from).id == at->first);
  }
}

TEST_CASE("a version copies no object, and later only those that are changed") {
  Objects objects(std::make_shared<Versions>());
  for (int i = 0; i < 10'000; ++i) set(objects, "c" + std::to_string(i), "x");
  CHECK(objects.copied() == 0);
  {
    const FrozenObjects version = objects.freeze(2);
    const Object* const shared = objects.find("c77");
    CHECK(version.find("c77") == shared);
    set(objects, "c5", "y");
    set(objects, "c5", "z");
    CHECK(objects.copied() == 1);
    CHECK(version.find("c5")->text == "x");
    CHECK(objects.find("c77") == shared);
    objects.erase("c77");
    CHECK(version.find("c77") == shared);
  }
  for (int i = 0; i < 10'000; ++i) {
    if (i != 77) set(objects, "c" + std::to_string(i), "w");
  }
  CHECK(objects.copied() == 1);  // nobody holds the version any more
}
