#include "bus/cursor.h"

#include "tests/catch.h"

using namespace aribus::bus;

TEST_CASE("a cursor is read as it is written") {
  const Cursor cursor{"8f3a1c", 1041};
  CHECK(cursor.text() == "8f3a1c:1041");
  const auto read = Cursor::parse(cursor.text());
  REQUIRE(read);
  CHECK(read->stream == "8f3a1c");
  CHECK(read->seq == 1041);
  CHECK(Cursor::parse("a:0")->seq == 0);
  CHECK(Cursor::parse("a:18446744073709551615")->seq == 18446744073709551615U);
}

TEST_CASE("what is no cursor gives nothing") {
  for (const char* text :
       {"", ":", "a", "a:", ":1", "a:x", "a:1x", "a: 1", "a:-1", "a:+1", "a:1:2", "a:18446744073709551616"}) {
    INFO(text);
    CHECK_FALSE(Cursor::parse(text));
  }
}
