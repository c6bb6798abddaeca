// Versions of the live objects.
#include <map>
#include <random>
#include <set>

#include "json/json.h"
#include "state/model.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::state;

namespace {

struct VersionsStage {
  Model model;
  uint64_t seq = 0;

  void tell(const std::string& type, const std::string& members, const std::string& app = "a") {
    const std::string event = R"({"type":")" + type + R"(","application":")" + app +
                              R"(","timestamp":"2026-01-01T00:00:00.000+0000",)" + members + "}";
    model.apply(test::read_event(event, event.size(), "pbx1", wall_now()), ++seq);
  }
};

std::string tiny_channel(const std::string& id, const std::string& more = "x") {
  return R"("channel":{"id":")" + id + R"(","name":")" + more + R"(","state":"Up"})";
}
std::string tiny_bridge(const std::string& id, const std::set<std::string>& channels) {
  std::string list;
  for (const std::string& one : channels) list += (list.empty() ? "\"" : ",\"") + one + '"';
  return R"("bridge":{"id":")" + id + R"(","technology":"simple_bridge","bridge_type":"mixing","channels":[)" + list +
         "]}";
}

// The bridges that list a channel, by what the bridges say.
std::set<std::string> bridges_of(const Frozen& version, const std::string& channel) {
  std::set<std::string> found;
  for (const auto& [id, object] : version.of(IdKind::bridge)) {
    if (object.text.find('"' + channel + '"') != std::string::npos) found.insert(id);
  }
  return found;
}

void check_seats(const Frozen& version) {
  for (const auto& [id, object] : version.of(IdKind::channel)) {
    const std::set<std::string> expected = bridges_of(version, id);
    const std::string shown(object.bridge(version.number()));
    INFO(id << " is shown in '" << shown << "' of " << expected.size());
    REQUIRE((expected.empty() ? shown.empty() : expected.contains(shown)));
  }
}

}  // namespace

TEST_CASE("a version is shared until a record is applied") {
  VersionsStage stage;
  stage.tell("ChannelCreated", tiny_channel("c1"));
  const auto first = stage.model.freeze();
  CHECK(stage.model.freeze() == first);
  stage.tell("ChannelStateChange", tiny_channel("c1", "y"));
  const auto second = stage.model.freeze();
  CHECK(second != first);
  CHECK(second->number() > first->number());
  CHECK(first->find(IdKind::channel, "c1")->text != second->find(IdKind::channel, "c1")->text);
  stage.tell("ChannelDestroyed", R"("cause":16,"cause_txt":"",)" + tiny_channel("c1"));
  CHECK(stage.model.find(IdKind::channel, "c1") == nullptr);
  CHECK(second->find(IdKind::channel, "c1") != nullptr);
}

TEST_CASE("in each version channels are in the bridges that list them there") {
  std::mt19937 random(7);
  const auto any = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
  VersionsStage stage;
  std::map<std::string, std::set<std::string>> bridges;
  std::vector<std::shared_ptr<const Frozen>> kept;
  for (int step = 0; step < 5000; ++step) {
    const std::string c = "c" + std::to_string(any(30)), b = "b" + std::to_string(any(6));
    switch (any(7)) {
      case 0:
        stage.tell("ChannelCreated", tiny_channel(c));
        break;
      case 1:
        stage.tell("ChannelDestroyed", R"("cause":16,"cause_txt":"",)" + tiny_channel(c));
        break;
      case 2:
      case 3:
        bridges[b].insert(c);
        stage.tell("ChannelEnteredBridge", tiny_bridge(b, bridges[b]) + "," + tiny_channel(c));
        break;
      case 4:
        if (!bridges.contains(b)) break;
        bridges[b].erase(c);
        stage.tell("ChannelLeftBridge", tiny_bridge(b, bridges[b]) + "," + tiny_channel(c));
        break;
      case 5:
        if (any(3) == 0) {
          stage.tell("BridgeDestroyed", tiny_bridge(b, bridges[b]));
          bridges.erase(b);
        } else {  // channels that nothing has shown
          stage.tell("BridgeCreated", tiny_bridge(b, bridges[b] = {c, "c" + std::to_string(any(30))}));
        }
        break;
      default:
        stage.tell("ChannelVarset",
                   R"("variable":"A","value":")" + std::to_string(step) + "\"," + tiny_channel(c));
    }
    if (any(40) == 0) kept.push_back(stage.model.freeze());
    if (kept.size() > 5) kept.erase(kept.begin() + any(5));
    if (step % 10 == 0) {
      for (const auto& version : kept) check_seats(*version);
      check_seats(*stage.model.freeze());
    }
  }
}

TEST_CASE("what a version keeps in memory is what has changed since") {
  VersionsStage stage;
  const std::string name(1000, 'n');
  for (int i = 0; i < 100; ++i) stage.tell("ChannelCreated", tiny_channel("c" + std::to_string(i), name));
  auto first = stage.model.freeze();
  CHECK(first->kept_bytes() == 0);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 10; ++i)
      stage.tell("ChannelStateChange", tiny_channel("c" + std::to_string(i), name));
  }
  CHECK(first->kept_bytes() > 10'000);
  CHECK(first->kept_bytes() < 20'000);
  auto second = stage.model.freeze();
  const size_t of_first = first->kept_bytes();
  for (int i = 0; i < 20; ++i)
    stage.tell("ChannelDestroyed", R"("cause":16,"cause_txt":"",)" + tiny_channel("c" + std::to_string(i)));
  CHECK(first->kept_bytes() == of_first);
  CHECK(second->kept_bytes() > 20'000);
  // The first one holds of it what had not changed before; it is counted for the first one as a whole.
  second.reset();
  CHECK(first->kept_bytes() > of_first + 20'000);
  first.reset();
  CHECK(stage.model.freeze()->kept_bytes() == 0);
}

TEST_CASE("a model and its versions may end in any order") {
  std::shared_ptr<const Frozen> version;
  int discarded = 0;
  {
    VersionsStage stage;
    stage.model.on_discard([&](const std::shared_ptr<void>&) { ++discarded; });
    for (int i = 0; i < 1000; ++i)
      stage.tell("ChannelCreated", tiny_channel("c" + std::to_string(i), std::string(1000, 'n')));
    version = stage.model.freeze();
    for (int i = 0; i < 1000; ++i)
      stage.tell("ChannelDestroyed", R"("cause":16,"cause_txt":"",)" + tiny_channel("c" + std::to_string(i)));
  }
  CHECK(version->of(IdKind::channel).size() == 1000);
  version.reset();
  CHECK(discarded == 1);  // it was large
}

TEST_CASE("very many objects are forgotten a few at a time") {
  Model model({.max_objects = 5000});
  record::EventReader events;
  record::Record record;
  uint64_t seq = 0;
  uint64_t most = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string event =
        R"({"type":"ChannelStateChange","application":"a",)" + tiny_channel("c" + std::to_string(i)) + "}";
    events.read(event, event.size(), "pbx1", record);
    const uint64_t before = model.forgotten();
    model.apply(record, ++seq);
    most = std::max(most, model.forgotten() - before);
    REQUIRE(model.of(IdKind::channel).size() <= 5000);
  }
  CHECK(most < 400);
  CHECK(model.find(IdKind::channel, "c19999") != nullptr);
  CHECK(model.forgotten() + model.of(IdKind::channel).size() == 20'000);
}

TEST_CASE("channels that end in a gap are counted, and later ones are not") {
  VersionsStage stage;
  for (int i = 0; i < 10; ++i) stage.tell("ChannelCreated", tiny_channel("c" + std::to_string(i)));
  CHECK(stage.model.count_ends() == 10);
  stage.tell("ChannelDestroyed", R"("cause":16,"cause_txt":"",)" + tiny_channel("c1"));
  stage.tell("ChannelCreated", tiny_channel("new"));
  stage.tell("ChannelDestroyed", R"("cause":16,"cause_txt":"",)" + tiny_channel("new"));
  CHECK(stage.model.counted_ends() == 1);
  CHECK(stage.model.count_ends() == 9);
  CHECK(stage.model.counted_ends() == 0);
}
