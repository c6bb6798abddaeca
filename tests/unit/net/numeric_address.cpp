#include "net/numeric_address.h"

#include <netinet/in.h>

#include "tests/catch.h"

using namespace aribus;

TEST_CASE("addresses of both families are read, and names are none") {
  const auto v4 = numeric_address("127.0.0.1", 8088), v6 = numeric_address("::1", 8088);
  REQUIRE(v4);
  CHECK(v4->raw()->sa_family == AF_INET);
  CHECK(v4->size == sizeof(sockaddr_in));
  REQUIRE(v6);
  CHECK(v6->raw()->sa_family == AF_INET6);
  CHECK(v6->size == sizeof(sockaddr_in6));
  for (const char* text : {"", "localhost", "[::1]", "127.0.0.1:80", "1.2.3"}) {
    INFO(text);
    CHECK_FALSE(numeric_address(text, 1));
    CHECK_FALSE(is_numeric_address(text));
  }
}

TEST_CASE("addresses of this machine's loopback are known") {
  CHECK(is_loopback("127.0.0.1"));
  CHECK(is_loopback("127.9.9.9"));
  CHECK(is_loopback("::1"));
  CHECK_FALSE(is_loopback("192.0.2.1"));
  CHECK_FALSE(is_loopback("::"));
}
