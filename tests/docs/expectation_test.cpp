#include "tests/docs/expectation.h"

#include "tests/catch.h"

using aribus::Json;
using aribus::parse_json;
using namespace aribus::test;

namespace {

std::string compare(const std::string& shown, const std::string& actual, Aliases& aliases) {
  return difference(*parse_json(shown), *parse_json(actual), aliases);
}

std::string compare(const std::string& shown, const std::string& actual) {
  Aliases aliases;
  return compare(shown, actual, aliases);
}

}  // namespace

TEST_CASE("what is shown must be what was received", "[docs]") {
  CHECK(compare(R"({"a":1,"b":["x"]})", R"({"a":1,"b":["x"]})").empty());
  CHECK_FALSE(compare(R"({"a":1})", R"({"a":2})").empty());
  CHECK_FALSE(compare(R"({"a":1})", R"({"a":"1"})").empty());
  CHECK_FALSE(compare(R"({"a":1})", R"({"a":1,"b":2})").empty());
  CHECK_FALSE(compare(R"({"a":1,"b":2})", R"({"a":1})").empty());
  CHECK_FALSE(compare(R"({"a":1,"b":2})", R"({"b":2,"a":1})").empty());
  CHECK_FALSE(compare(R"(["x"])", R"(["x","y"])").empty());
}

TEST_CASE("the id of a call and an epoch stand for any other, and each for the same one when it comes again", "[docs]") {
  Aliases aliases;
  aliases.bind("1795384777.12", "7.1");
  CHECK(compare(R"({"call":"pbx1/1795384777.12/1795384777690","epoch":1795384777702})",
                R"({"call":"pbx1/7.1/1795384777000","epoch":1795384777001})", aliases)
            .empty());
  CHECK(aliases.apply("1795384777.12 of pbx1/1795384777.12/1795384777690") == "7.1 of pbx1/7.1/1795384777000");
  CHECK(compare(R"({"epoch":1795384777702})", R"({"epoch":1795384777001})", aliases).empty());
  CHECK_FALSE(compare(R"({"epoch":1795384777702})", R"({"epoch":1795384777002})", aliases).empty());
  CHECK_FALSE(compare(R"("pbx1/1795384777.12/1795384777690")", R"("pbx1/7.2/1795384777000")", aliases).empty());
}

TEST_CASE("an ellipsis stands for what is not shown", "[docs]") {
  CHECK(compare(R"({"a":"…"})", R"({"a":{"b":1}})").empty());
  CHECK(compare(R"({"a":1,"…":"…"})", R"({"a":1,"b":2})").empty());
  CHECK(compare(R"({"a":1,"…":"…"})", R"({"b":2,"a":1})").empty());
  CHECK(compare(R"(["x","…"])", R"(["x","y","z"])").empty());
  CHECK(compare(R"("no (a) …: b")", R"("no (a) thing: b")").empty());
  CHECK_FALSE(compare(R"("no …: b")", R"("no thing: c")").empty());
  CHECK_FALSE(compare(R"({"a":1,"c":3,"…":"…"})", R"({"a":1,"b":2})").empty());
}

TEST_CASE("what is new in every run has its form, and stays the same within one", "[docs]") {
  Aliases aliases;
  CHECK(compare(R"("2026-11-22T21:46:17.690Z")", R"("2027-01-01T00:00:00.000Z")", aliases).empty());
  CHECK_FALSE(compare(R"("2026-11-22T21:46:17.690Z")", R"("2027-01-01T00:00:00")", aliases).empty());
  CHECK(compare(R"("8f3a1c0e52d7:41")", R"("aaaaaaaaaaaa:7")", aliases).empty());
  CHECK(compare(R"("8f3a1c0e52d7:41")", R"("aaaaaaaaaaaa:7")", aliases).empty());
  CHECK_FALSE(compare(R"("8f3a1c0e52d7:41")", R"("aaaaaaaaaaaa:8")", aliases).empty());
  CHECK(aliases.apply(R"({"since":"8f3a1c0e52d7:41"})") == R"({"since":"aaaaaaaaaaaa:7"})");
  CHECK(compare(R"({"seq":1})", R"({"seq":1042})").empty());
}
