#include "pbx/event_waiters.h"

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::pbx;

TEST_CASE("what a record costs does not grow with the commands that wait for others") {
  Loop loop;
  pbx::EventWaiters waiters(loop);
  size_t seen = 0;
  for (int i = 0; i < 20'000; ++i) {
    waiters.add(
        record::IdKind::playback, "p" + std::to_string(i),
        {[&](const record::Record&, const JsonValue&) { return ++seen, true; }, [](const std::string&) {}});
  }
  record::Record record = test::record_of("x");
  record.ids.add(record::IdKind::playback, "p77");
  record.ids.add(record::IdKind::channel, "p78");
  waiters.see(record);
  CHECK(seen == 1);
  CHECK(waiters.size() == 19'999);
}

TEST_CASE("many waits are looked for a few at a time, and each ends") {
  Loop loop;
  pbx::EventWaiters waiters(
      loop, {.soon = Milliseconds(1), .again = Milliseconds(1), .doubtful = Milliseconds(1), .max_looks = 4});
  std::vector<std::function<void(EventWaiters::Look)>> looks;
  size_t unseen = 0;
  size_t most = 0;
  Timer turns(loop);
  turns.every(Milliseconds(1), [] {});  // so that pump() looks
  for (int i = 0; i < 300; ++i) {
    EventWaiters::Waiter wait;
    wait.see = [](const record::Record&, const JsonValue&) { return false; };
    wait.lost = [](const std::string&) {};
    wait.look = [&](std::function<void(EventWaiters::Look)> done) { looks.push_back(std::move(done)); };
    wait.unseen = [&] { ++unseen; };
    waiters.look_for(waiters.add(record::IdKind::playback, "p" + std::to_string(i), std::move(wait)), true);
  }
  CHECK(test::pump(loop, [&] {
    most = std::max(most, looks.size());
    for (const auto& done : std::exchange(looks, {})) done(EventWaiters::Look::gone);
    return unseen == 300;
  }));
  CHECK(most == 4);
  CHECK(waiters.size() == 0);
}
