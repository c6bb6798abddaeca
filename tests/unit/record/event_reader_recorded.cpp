// Events that real Asterisks sent (tests/data).
#include <fstream>

#include "record/record.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::record;
using aribus::test::json;
using aribus::test::read_event;
using aribus::test::to_line;

namespace {

void check_all(const std::string& name) {
  std::ifstream stream(std::string(ARIBUS_SOURCE_DIR) + "/tests/data/" + name);
  REQUIRE(stream);
  size_t count = 0;
  for (std::string event; std::getline(stream, event); ++count) {
    const std::string line = to_line(read_event(event, event.size(), "pbx1", wall_now()), count + 1);
    INFO(event << "\n" << line);
    const auto parsed = parse_json(line);
    REQUIRE(parsed.ok());
    const JsonValue& params = *find(*parsed, "params");
    CHECK(find(params, "invalid") == nullptr);
    CHECK(find(params, "known") == nullptr);
    CHECK(find_string(params, "type") == find_string(json(event), "type"));
    CHECK(line.find(":null") == std::string::npos);
    CHECK(line.find('\n') == line.size() - 1);
  }
  CHECK(count > 0);
}

}  // namespace

TEST_CASE("every event of a real Asterisk 22 is known and valid") {
  check_all("events-22.jsonl");
}

TEST_CASE("every event of a real Asterisk 16 is known and valid") {
  check_all("events-16.jsonl");
}
