#include "base/log.h"

#include "tests/catch.h"

using namespace aribus;

TEST_CASE("an unknown log level is refused with the nearest one") {
  const auto started = start_log("warnin");
  REQUIRE_FALSE(started.ok());
  CHECK(started.error().kind == ErrorKind::invalid_params);
  CHECK_THAT(started.error().message, ContainsSubstring("did you mean 'warning'?"));
}
