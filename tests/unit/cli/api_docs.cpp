// An Asterisk's own declarations as a help, whatever is in them.
#include "cli/api_docs.h"

#include "cli/terminal.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;
using aribus::test::json;

namespace {

std::string help(const Json& declared, std::string_view name) {
  std::string text;
  for (const std::string& line : operation_help(declared, *operation_name(name), 60)) text += line + "\n";
  return text;
}

}  // namespace

TEST_CASE("the name of an operation has a resource and an operation, both words") {
  const auto name = operation_name("channels.fly_high");
  REQUIRE(name);
  CHECK(name->resource == "channels");
  CHECK(name->operation == "fly_high");
  CHECK(api_docs_path(name->resource) == "/api-docs/channels.json");
  for (const char* wrong :
       {"", "channels", ".fly", "channels.", "a.b.c", "../x.y", "chan nels.fly", "a/b.c"}) {
    INFO(wrong);
    CHECK_FALSE(operation_name(wrong));
  }
}

TEST_CASE("a declared operation's help has its parameters with place, values, range and default") {
  const Json declared = json(
      R"({"apis":[{"path":"/x","operations":[{"nickname":"walk"}]},{"path":"/channels/{id}/fly","operations":[)"
      R"({"nickname":"fly","httpMethod":"POST","summary":"Flies.","notes":"High<br /><br />and far.","parameters":[)"
      R"({"name":"id","paramType":"path","dataType":"string"},)"
      R"({"name":"wind","paramType":"query","dataType":"string","required":true,"defaultValue":"no",)"
      R"("allowableValues":{"valueType":"LIST","values":["no","yes"]}},)"
      R"({"name":"speed","paramType":"query","dataType":"double","allowableValues":{"min":0,"max":9}},)"
      R"({"name":"extras","paramType":"body","dataType":"containers","description":"What else is said of it, long enough for two lines."}]}]}]})");
  CHECK(declared_operations(declared, "channels") ==
        std::vector<std::string>{"channels.walk", "channels.fly"});
  CHECK(help(declared, "channels.fly") ==
        "channels.fly: Flies.\n"
        "  High and far.\n"
        "  POST /channels/{id}/fly\n"
        "\n"
        "  id=     text (required, in the path)\n"
        "  wind=   text (required, in the query), one of no, yes, default no\n"
        "  speed=  number (in the query), at least 0, at most 9\n"
        "  extras= JSON (in the body)\n"
        "      What else is said of it, long enough for two lines.\n"
        "\n"
        "This Asterisk says so itself; aribus has no method for it. It goes by:\n"
        "  aribus call ari.request method=POST path=/channels/{id}/fly 'query={\"wind\":…,\"speed\":…}' "
        "'body={\"extras\":…}'\n");
  CHECK(help(declared, "channels.swim").empty());
}

TEST_CASE("declarations may be anything") {
  for (const char* text : {"null", "7", "[]", "{}", R"({"apis":7})", R"({"apis":[7,{"operations":[]}]})",
                           R"({"apis":[{"operations":{"nickname":"fly"}}]})"}) {
    INFO(text);
    CHECK(help(json(text), "channels.fly").empty());
    CHECK(declared_operations(json(text), "channels").empty());
  }
  CHECK_FALSE(help(json(R"({"apis":[{"operations":[{"nickname":"fly","parameters":[7,{"name":7}]}]}]})"),
                   "channels.fly")
                  .empty());
}

TEST_CASE("a text is wrapped between words, by characters") {
  CHECK(wrapped("", 10, 2).empty());
  CHECK(wrapped("one two three", 7, 0) == std::vector<std::string>{"one two", "three"});
  CHECK(wrapped("a überlang b", 8, 2) == std::vector<std::string>{"  a", "  überlang", "  b"});
  CHECK(wrapped("äöü äöü", 7, 0) == std::vector<std::string>{"äöü äöü"});
  CHECK(wrapped("a  b\nc", 80, 0) == std::vector<std::string>{"a b c"});
}
