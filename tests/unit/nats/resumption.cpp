#include "nats/resumption.h"

#include "tests/catch.h"

using namespace aribus::nats;

namespace {

const Place none{};

StateFile::State state(Place place, uint64_t last, Place report = {}) {
  return {.installation = "i", .place = std::move(place), .last = last, .report = std::move(report)};
}

void check(const StreamEnd& end, const StateFile::State& state, const Place& after, uint64_t skip,
           bool doubtful = false) {
  const Resumption resumption = Resumption::of(end, state);
  CHECK(resumption.after == after);
  CHECK(resumption.skip == skip);
  CHECK(resumption.doubt.empty() != doubtful);
}

}  // namespace

TEST_CASE("what the stream in NATS holds decides, whatever the state file says") {
  check({.last = 50, .place = {"s", 70}}, state({"s", 60}, 40), {"s", 70}, 0);
  check({.last = 30, .place = {"s", 50}}, state({"s", 60}, 40), {"s", 50}, 0);
  check({.last = 52, .place = {"s", 70}, .others = 2}, state({"s", 60}, 40), {"s", 70}, 0);
}

TEST_CASE("a stream that was never used, or was made anew, begins with the oldest record") {
  check({}, state(none, 0), none, 0);
  check({}, state({"s", 60}, 40), none, 0);
}

TEST_CASE(
    "when nothing is left, the state file says where it ended, and what it did not know of is counted") {
  check({.last = 40}, state({"s", 60}, 40), {"s", 60}, 0);
  check({.last = 45}, state({"s", 60}, 40), {"s", 60}, 5);
  check({.last = 45, .others = 2}, state({"s", 60}, 40), {"s", 60}, 3);
}

TEST_CASE(
    "no record is left out for a message that may have been another installation's, or somebody else's") {
  check({.last = 7}, state(none, 0), none, 0, true);  // as after --adopt
  check({.last = 20'000, .others = 10'000, .others_unknown = true}, state({"s", 60}, 40), {"s", 60}, 0, true);
}

TEST_CASE("a report that was to be published is one of the messages that are counted") {
  check({.last = 40}, state({"s", 60}, 40, {"s", 99}), {"s", 60}, 0);
  check({.last = 41}, state({"s", 60}, 40, {"s", 99}), {"s", 99}, 0);
  check({.last = 45}, state({"s", 60}, 40, {"s", 99}), {"s", 99}, 4);
}

TEST_CASE("what was under way is published again if it is unknown what of it was stored before a purge") {
  StateFile::State known = state({"s", 60}, 40);
  known.flight = {40, "s", {61, 62, 63}};
  check({.last = 42}, known, {"s", 60}, 0, true);
  check({.last = 40}, known, {"s", 60}, 0);
  check({.last = 42, .place = {"s", 63}}, known, {"s", 63}, 0);
}

TEST_CASE("a stream that is empty and has lost its newest messages is filled anew, with a warning") {
  check({.last = 39}, state({"s", 60}, 40), none, 0, true);
}

TEST_CASE("of records that the daemon has lost those count that NATS did not have") {
  const auto check_lost = [](uint64_t skip, bool filtered, uint64_t from, uint64_t left) {
    const Lost lost = Lost::without_first(skip, {11, 20}, filtered);
    CHECK(lost.from == from);
    CHECK(lost.to == 20);
    CHECK(skip == left);
  };
  check_lost(0, false, 11, 0);
  check_lost(4, false, 15, 0);
  check_lost(10, false, 21, 0);  // none
  check_lost(13, false, 21, 3);
  check_lost(13, true, 11, 0);
}

TEST_CASE("of messages that were sent together those are missing that have a stored one behind them") {
  const Flight flight{.after = 40, .stream = "s", .seqs = {11, 12, 13, 15, 16}};
  const auto missing = [&](const std::vector<Place>& stored) { return missing_of(flight, stored); };
  CHECK(missing({}) == Missing{});
  CHECK(missing({{"s", 11}, {"s", 12}}) == Missing{});
  CHECK(missing({{"s", 11}, {"s", 12}, {"s", 13}, {"s", 15}, {"s", 16}}) == Missing{});
  CHECK(missing({{"s", 12}}) == Missing{11, 11, 1});
  CHECK(missing({{"s", 12}, {"s", 15}}) == Missing{11, 13, 2});  // 16 can still be published
  CHECK(missing({{"s", 16}}) == Missing{11, 15, 4});
  CHECK(missing({{"other", 16}}) == Missing{});
  CHECK(missing_of({}, {{"s", 16}}) == Missing{});
}

TEST_CASE("the end of a stream without holes shows that nothing of a flight is missing") {
  const Flight flight{.after = 40, .stream = "s", .seqs = {11, 12, 13, 15, 16}};
  const auto shows = [&](StreamEnd end) {
    if (end.first == 0) end.first = 30;
    return shows_no_hole(end, flight);
  };
  CHECK(shows({.last = 40, .place = {"s", 10}, .is_whole = true}));
  CHECK(shows({.last = 41, .place = {"s", 11}, .is_whole = true}));
  CHECK(shows({.last = 44, .place = {"s", 15}, .is_whole = true}));
  CHECK(shows({.last = 46, .place = {"s", 15}, .others = 2, .is_whole = true}));
  CHECK(shows({.last = 41, .place = {"s", 11}, .first = 41, .is_whole = true}));
  CHECK_FALSE(shows({.last = 43, .place = {"s", 15}, .is_whole = true}));  // one was counted, not stored
  CHECK_FALSE(shows({.last = 44, .place = {"s", 15}}));                    // or stored, and deleted again
  CHECK_FALSE(shows({.last = 42, .place = {"s", 12}, .first = 42, .is_whole = true}));
  CHECK_FALSE(shows({.last = 46, .place = {"s", 16}, .is_whole = true}));  // a report is behind them
  CHECK_FALSE(shows({.last = 47, .place = {"s", 17}, .is_whole = true}));
  CHECK_FALSE(shows({.last = 41, .place = {"other", 11}, .is_whole = true}));
  CHECK_FALSE(shows({.last = 41}));
}
