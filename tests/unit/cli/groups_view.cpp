#include "cli/groups_view.h"

#include "cli/answers.h"
#include "tests/catch.h"
#include "tests/unit/cli/printed.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;
using aribus::test::json;
using aribus::test::longest_line;
using aribus::test::printed;

namespace {

const WallTime groups_time = *parse_time("2026-11-26T20:15:00.000Z");

const std::string two_groups =
    R"({"groups":[{"name":"ivr","apps":["demo","sales"],"configured":true,"exclusive":true,"fallback":"continue","waiting":1,)"
    R"("members":[{"member":"w1","named":true,"connection":7,"capacity":20,"calls":1,"draining":false,"suspended":false},)"
    R"({"member":"w2","named":true,"connection":null,"capacity":5,"calls":0,"draining":false,"suspended":false},)"
    R"({"member":"w3","named":true,"connection":8,"calls":0,"draining":true,"suspended":false},)"
    R"({"member":"~1795384777690-9","named":false,"connection":9,"calls":0,"draining":false,"suspended":true}],)"
    R"("calls":[{"call":"pbx1/1795384777.13/1795384777800","server":"pbx1","app":"demo","state":"waiting","member":"",)"
    R"("epoch":0,"entered":"2026-11-26T20:14:58.500Z","previous":""},{"call":"pbx1/1795384777.12/1795384777690",)"
    R"("server":"pbx1","app":"demo","state":"accepted","member":"w1","epoch":1795384777691,)"
    R"("entered":"2026-11-26T20:13:00.000Z","previous":""}],"more":40},)"
    R"({"name":"empty","apps":[],"configured":false,"exclusive":false,"fallback":"none","waiting":0,"members":[],"calls":[]}]})";

}  // namespace

TEST_CASE("the groups fit a screen of 80 columns, with who owns which call") {
  const Json groups = json(two_groups);
  REQUIRE(check_groups(groups));
  const std::string text = printed(groups_lines(groups, groups_time, 80));
  CHECK(text == R"(ivr: 4 members, 42 calls, 1 waiting; applications: demo, sales; fallback:
    continue; exclusive; configured
  MEMBER                           STATE        CONNECTION      CALLS    CAPACITY
  w1                               connected             7          1          20
  w2                               away                  -          0           5
  w3                               leaving               8          0   unlimited
  ~1795384777690-9                 suspended             9          0   unlimited
  CALL                            STATE    MEMBER               EPOCH FOR       
  pbx1/1795384777.13/17953847778… waiting  -                        0 1.5 s     
  pbx1/1795384777.12/17953847776… accepted w1           1795384777691 2 min 00 s
  and 40 more calls

empty: 0 members, 0 calls; fallback: none; created by its members
)");
  CHECK(longest_line(text) == 80);
}

TEST_CASE("a wide screen shows the ids of calls as a whole, and long names keep the width") {
  const std::string text = printed(groups_lines(json(two_groups), groups_time, 100));
  CHECK_THAT(text, ContainsSubstring("  pbx1/1795384777.12/1795384777690                    accepted w1"));
  CHECK(longest_line(text) == 100);
  const std::string long_name(200, 'x');
  const Json wide = json(R"({"groups":[{"name":")" + long_name + R"(","members":[{"member":")" + long_name +
                         R"("}],"calls":[{"call":")" + long_name + R"(","state":")" + long_name +
                         R"(","member":")" + long_name + R"(","entered":")" + long_name + R"("}]}]})");
  REQUIRE(check_groups(wide));
  const std::vector<Text> lines = groups_lines(wide, groups_time, 80);
  CHECK(longest_line(printed({lines.begin() + 1, lines.end()})) <= 201);
}

TEST_CASE("without groups a sentence says so, and what is no list of groups is refused") {
  CHECK(printed(groups_lines(json(R"({"groups":[]})"), groups_time, 80)) == "There is no worker group.\n");
  for (const char* answer :
       {"[]", "{}", R"({"groups":7})", R"({"groups":[7]})", R"({"groups":[{"name":"a"}]})",
        R"({"groups":[{"name":"a","members":[1],"calls":[]}]})",
        R"({"groups":[{"name":1,"members":[],"calls":[]}]})"}) {
    INFO(answer);
    CHECK_FALSE(check_groups(json(answer)));
  }
}
