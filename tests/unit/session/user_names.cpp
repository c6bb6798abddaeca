#include "session/user_names.h"

#include <optional>

#include <unistd.h>

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::session;

TEST_CASE("a user's name is known once it was looked up, and the end does not wait for it") {
  Loop loop;
  std::optional<UserNames> names(std::in_place, loop);
  CHECK(names->find(0).empty());
  CHECK(loop.is_working());
  CHECK(test::pump(loop, [&] { return names->find(0) == "root"; }));
  CHECK_FALSE(loop.is_working());  // it is remembered
  CHECK(names->find(4'000'000'000).empty());
  names.reset();  // while it is looked up
  CHECK(test::pump(loop, [&] { return !loop.is_working(); }));
}
