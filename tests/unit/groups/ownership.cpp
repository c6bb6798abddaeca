#include "groups/ownership.h"

#include "record/id_set.h"
#include "tests/catch.h"

using namespace aribus;
using namespace aribus::groups;

namespace {

uint64_t hash(std::string_view call) {
  return record::id_hash(record::IdKind::call, call);
}

}  // namespace

TEST_CASE("a record about a call belongs to the member that owned it then") {
  Ownerships all;
  const auto owners = all.of("ivr");
  all.learn(
      record::GroupAssigned{
          .group = "ivr", .call = "c1", .member = "w1", .epoch = 1, .reason = "new", .previous = ""},
      10);
  all.learn(
      record::GroupReleased{.group = "ivr", .call = "c1", .member = "w1", .epoch = 1, .reason = "declined"},
      15);
  all.learn(
      record::GroupAssigned{
          .group = "ivr", .call = "c1", .member = "w2", .epoch = 2, .reason = "passed_on", .previous = "w1"},
      16);
  all.learn(
      record::GroupReleased{.group = "ivr", .call = "c1", .member = "w2", .epoch = 2, .reason = "ended"}, 20);
  CHECK(owners->owner_at(hash("c1"), 9).empty());
  CHECK(owners->owner_at(hash("c1"), 10) == "w1");
  CHECK(owners->owner_at(hash("c1"), 15) == "w1");
  CHECK(owners->owner_at(hash("c1"), 16) == "w2");
  CHECK(owners->owner_at(hash("c1"), 20) == "w2");
  CHECK(owners->owner_at(hash("c1"), 21).empty());
  CHECK(owners->owner_at(hash("c2"), 15).empty());
  CHECK(all.of("other")->owner_at(hash("c1"), 15).empty());
  CHECK(owners->knows(hash("c1")));
  all.forget_before(16);
  CHECK(owners->owner_at(hash("c1"), 16) == "w2");
  all.forget_before(21);
  CHECK_FALSE(owners->knows(hash("c1")));
  CHECK(owners->empty());
}

TEST_CASE("an owner is kept for as long as it owns the call, whatever the log has left behind") {
  Ownerships all;
  const auto owners = all.of("ivr");
  for (uint64_t i = 0; i < 1000; ++i) {
    const std::string member = "w" + std::to_string(i);
    all.learn(
        record::GroupAssigned{
            .group = "ivr", .call = "c1", .member = member, .epoch = i, .reason = "new", .previous = ""},
        10 * i + 1);
    if (i < 999) {
      all.learn(
          record::GroupReleased{
              .group = "ivr", .call = "c1", .member = member, .epoch = i, .reason = "lease"},
          10 * i + 5);
    }
    all.forget_before(10 * i + 1);
  }
  CHECK(owners->marks() <= 2);
  all.forget_before(1'000'000);
  CHECK(owners->marks() == 0);
  CHECK(owners->owner_at(hash("c1"), 1'000'000) == "w999");
  all.learn(
      record::GroupReleased{.group = "ivr", .call = "c1", .member = "w999", .epoch = 999, .reason = "ended"},
      1'000'001);
  CHECK(owners->owner_at(hash("c1"), 1'000'001) == "w999");
  all.forget_before(1'000'002);
  CHECK(owners->empty());
}

TEST_CASE("where the log begins after the assignment, the owner is that of the next record") {
  Ownerships all;
  all.learn(
      record::GroupReleased{.group = "ivr", .call = "c1", .member = "w1", .epoch = 1, .reason = "ended"}, 50);
  all.learn(record::GroupAccepted{.group = "ivr", .call = "c2", .member = "w2", .epoch = 1});
  all.learn(
      record::GroupReleased{.group = "ivr", .call = "c3", .member = "", .epoch = 0, .reason = "fallback"},
      51);
  const auto owners = all.of("ivr");
  CHECK(owners->owner_at(hash("c1"), 40) == "w1");
  CHECK(owners->owner_at(hash("c1"), 51).empty());
  CHECK(owners->owner_at(hash("c2"), 40) == "w2");
  CHECK(owners->owner_at(hash("c3"), 40).empty());
}
