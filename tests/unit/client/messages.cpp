// What is sent, and what is refused before it is.
#include "client/messages.h"

#include <set>

#include "tests/catch.h"

using namespace aribus;
using aribus::client::request_line;

namespace {

std::string refusal_of(std::string_view params, size_t max_bytes = client::default_request_bytes) {
  const auto line = request_line(1, "m", params, max_bytes);
  return line ? "none" : line.error().message;
}

std::string nested(size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

}  // namespace

TEST_CASE("a request is one line with its id, its method and its parameters") {
  const auto line = request_line(7, "channels.get", R"({"channelId":"Größe"})");
  REQUIRE(line);
  CHECK(*line == R"({"jsonrpc":"2.0","id":7,"method":"channels.get","params":{"channelId":"Größe"}})");
}

TEST_CASE("what the daemon could not read is refused, and why is said") {
  const auto refused = request_line(1, "m", "{\"a\":\"M\xFCller\"}");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::invalid_params);
  CHECK_THAT(refused.error().message, ContainsSubstring("UTF-8"));
  CHECK_THAT(refused.error().message, ContainsSubstring(R"(M\xfcller)"));
  CHECK_THAT(refused.error().message, ContainsSubstring("nothing was sent"));
  CHECK_FALSE(request_line(1, "m\xFC", "{}"));
  CHECK_THAT(refusal_of(R"({"a":"\ud800"})"), ContainsSubstring("surrogate pair"));
  CHECK_THAT(refusal_of(R"({"a":1e999})"), ContainsSubstring("range of a double"));
  CHECK_THAT(refusal_of(R"({"a":NaN})"), ContainsSubstring("not: Invalid value"));
  CHECK_THAT(refusal_of("{\n}"), ContainsSubstring("line ends"));
  CHECK_THAT(refusal_of(""), ContainsSubstring("nothing was sent"));
  CHECK(refusal_of(nested(63)) == "none");
  CHECK_THAT(refusal_of(nested(64)), ContainsSubstring("64 levels"));
}

TEST_CASE("a request of exactly the bound is sent, one byte more is not") {
  const size_t size = request_line(1, "m", "{}")->size();
  CHECK(refusal_of("{}", size) == "none");
  CHECK_THAT(refusal_of("{}", size - 1), ContainsSubstring("at most " + std::to_string(size - 1) + " bytes"));
}

TEST_CASE("ids are new each time, and have the form of the daemon's") {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(client::new_id());
  CHECK(ids.size() == 1000);
  for (const std::string& id : ids) {
    CHECK(id.size() == 23);
    CHECK(id.starts_with("aribus-"));
    CHECK(id.find_first_not_of("0123456789abcdef", 7) == std::string::npos);
  }
}
