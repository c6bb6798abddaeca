#include "base/base64.h"

#include "tests/catch.h"

using namespace aribus;

TEST_CASE("base64 gives the vectors of RFC 4648") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foob") == "Zm9vYg==");
  CHECK(base64("fooba") == "Zm9vYmE=");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xFB\xEF\xFF") == "++//");
  CHECK(base64(std::string(3, '\0')) == "AAAA");
}
