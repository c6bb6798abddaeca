#include "base/random.h"

#include <set>

#include "tests/catch.h"

using namespace aribus;

TEST_CASE("random bytes are hexadecimal and do not repeat") {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string text = random_hex(8);
    CHECK(text.size() == 16);
    CHECK(text.find_first_not_of("0123456789abcdef") == std::string::npos);
    seen.insert(text);
  }
  CHECK(seen.size() == 100);
}
