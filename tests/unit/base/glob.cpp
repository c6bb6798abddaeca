#include "base/glob.h"

#include "tests/catch.h"

using namespace aribus;

TEST_CASE("a glob matches whole names") {
  CHECK(matches_glob("Channel*", "ChannelDestroyed"));
  CHECK(matches_glob("*", "a/b.c"));
  CHECK(matches_glob("PJSIP/10[01]", "PJSIP/101"));
  CHECK(matches_glob("?", "a"));
  CHECK_FALSE(matches_glob("Channel", "ChannelDestroyed"));
  CHECK_FALSE(matches_glob("?", ""));
}

TEST_CASE("letters are equal in either case where that is asked for") {
  CHECK_FALSE(matches_glob("CURL*", "curl"));
  CHECK(matches_glob("CURL*", "curl", GlobCase::ignored));
}
