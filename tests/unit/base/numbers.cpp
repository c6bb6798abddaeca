#include "base/numbers.h"

#include <cstdint>

#include "tests/catch.h"

using namespace aribus;

TEST_CASE("a whole number is one only when all of the text is") {
  CHECK(whole_number<int>("17") == 17);
  CHECK(whole_number<int>("-17") == -17);
  CHECK(whole_number<unsigned>("660", 8) == 0660U);
  for (const char* text : {"", " 1", "1 ", "+1", "1.0", "0x1", "a", "-"})
    CHECK_FALSE(whole_number<int>(text));
}

TEST_CASE("a number that its type can't hold is none") {
  CHECK(whole_number<uint64_t>("18446744073709551615") == UINT64_MAX);
  CHECK_FALSE(whole_number<uint64_t>("18446744073709551616"));
  CHECK_FALSE(whole_number<uint64_t>("-1"));
  CHECK_FALSE(whole_number<int64_t>("9223372036854775808"));
}
