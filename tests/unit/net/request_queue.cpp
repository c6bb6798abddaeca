#include "net/request_queue.h"

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "tests/catch.h"

using namespace aribus;

namespace {

// A queue whose requests have names.
struct Stage {
  RequestQueue queue;
  std::map<RequestQueue::Id, std::string> names;

  explicit Stage(size_t connections) : queue(connections) {}

  RequestQueue::Id add(const std::string& name, Requester from, bool changes = false) {
    const RequestQueue::Id id = queue.push(from, changes);
    names[id] = name;
    return id;
  }
  std::vector<RequestQueue::Id> start_all() {
    std::vector<RequestQueue::Id> started;
    while (const auto id = queue.next()) started.push_back(*id);
    return started;
  }
  std::string next() {
    const auto id = queue.next();
    return id ? names.at(*id) : "";
  }
  // The order in which requests are sent over one connection that is given back each time.
  std::string order() {
    std::string all;
    while (const auto id = queue.next()) {
      all += (all.empty() ? "" : " ") + names.at(*id);
      queue.remove(*id);
    }
    return all;
  }
};

Requester user(uint64_t number, uint64_t connection = 0) {
  return {number, connection, false};
}

}  // namespace

TEST_CASE("requests of one connection go in their order, connections and users take turns") {
  Stage stage(1);
  for (const char* name : {"a1", "a2", "a3"}) stage.add(name, user(1, 1));
  for (const char* name : {"b1", "b2"}) stage.add(name, user(1, 2));
  for (const char* name : {"c1", "c2"}) stage.add(name, user(2, 3));
  CHECK(stage.order() == "a1 c1 b1 c2 a2 b2 a3");
  CHECK(stage.queue.waiting() == 0);
  CHECK(stage.queue.under_way() == 0);
}

TEST_CASE("what changes something goes first, and reads come up after four of them") {
  Stage stage(1);
  for (int i = 1; i <= 3; ++i) stage.add("r" + std::to_string(i), user(1));
  for (int i = 1; i <= 9; ++i) stage.add("c" + std::to_string(i), user(1), true);
  CHECK(stage.order() == "c1 c2 c3 c4 r1 c5 c6 c7 c8 r2 c9 r3");
}

TEST_CASE("one user leaves connections to others, and of his own one to what changes something") {
  struct Case {
    size_t connections, reads, with_changes;
  };
  for (const Case& one : {Case{1, 1, 1}, Case{2, 1, 1}, Case{3, 1, 1}, Case{4, 1, 2}, Case{8, 5, 6}}) {
    INFO(one.connections);
    Stage stage(one.connections);
    for (int i = 0; i < 20; ++i) stage.add("read", user(1, static_cast<uint64_t>(i)));
    CHECK(stage.start_all().size() == one.reads);
    for (int i = 0; i < 20; ++i) stage.add("change", user(1), true);
    stage.start_all();
    CHECK(stage.queue.under_way() == one.with_changes);
    stage.add("other", user(2), true);
    CHECK(stage.next() == (one.connections == 1 ? "" : "other"));
  }
}

TEST_CASE("whatever others read, one connection is there for a change and one for admin") {
  Stage stage(8);
  for (uint64_t number = 1; number <= 20; ++number) {
    for (int i = 0; i < 20; ++i) stage.add("read", user(number));
  }
  CHECK(stage.start_all().size() == 6);
  SECTION("a change") {
    stage.add("hangup", user(30), true);
    CHECK(stage.next() == "hangup");
    stage.add("second", user(31), true);
    CHECK(stage.next().empty());
    stage.add("admin", {32, 0, true});
    CHECK(stage.next() == "admin");
  }
  SECTION("admin reads") {
    stage.add("admin", {32, 0, true});
    CHECK(stage.next() == "admin");
    stage.add("admin again", {33, 0, true});
    CHECK(stage.next().empty());
    stage.add("hangup", user(30), true);
    CHECK(stage.next() == "hangup");
  }
  SECTION("the daemon itself takes all") {
    for (int i = 0; i < 3; ++i) stage.add("daemon", {});
    CHECK(stage.start_all().size() == 2);
    CHECK(stage.queue.under_way() == 8);
  }
}

TEST_CASE("a request that is given up leaves the queue, wherever it stands") {
  Stage stage(1);
  const auto first = stage.add("a1", user(1, 1));
  stage.add("a2", user(1, 1));
  const auto only = stage.add("b1", user(1, 2));
  const auto alone = stage.add("c1", user(2), true);
  stage.queue.remove(first);
  stage.queue.remove(only);
  stage.queue.remove(alone);
  stage.queue.remove(alone);
  CHECK(stage.order() == "a2");
}

TEST_CASE("nobody starves, and no bound is passed, whatever comes and goes") {
  std::mt19937 random(9);
  for (const size_t connections : {1, 2, 3, 5, 8}) {
    RequestQueue queue(connections);
    std::map<RequestQueue::Id, std::pair<Requester, int>> waiting;  // and when it came
    std::map<RequestQueue::Id, Requester> under_way;
    int longest = 0;
    for (int step = 0; step < 20'000; ++step) {
      if (waiting.size() < 60) {
        const Requester from{random() % 6, random() % 3, random() % 4 == 0};
        waiting[queue.push(from, random() % 3 == 0)] = {from, step};
      }
      if (random() % 20 == 0 && !waiting.empty()) {
        const auto at = std::next(waiting.begin(), static_cast<long>(random() % waiting.size()));
        queue.remove(at->first);
        waiting.erase(at);
      }
      while (const auto id = queue.next()) {
        longest = std::max(longest, step - waiting.at(*id).second);
        under_way[*id] = waiting.at(*id).first;
        waiting.erase(*id);
      }
      REQUIRE(queue.under_way() == under_way.size());
      REQUIRE(under_way.size() <= connections);
      for (uint64_t number = 0; number < 6; ++number) {
        const auto count =
            std::ranges::count_if(under_way, [&](const auto& one) { return one.second.user == number; });
        REQUIRE(static_cast<size_t>(count) <= std::max<size_t>(1, connections > 2 ? connections - 2 : 1));
      }
      REQUIRE((waiting.empty() || !under_way.empty()));
      if (under_way.empty()) continue;
      const auto at = std::next(under_way.begin(), static_cast<long>(random() % under_way.size()));
      queue.remove(at->first);
      under_way.erase(at);
    }
    CHECK(longest < 600);
  }
}
