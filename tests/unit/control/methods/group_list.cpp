// What `group.list` shows of the groups, and to whom.
#include "control/methods/group_list.h"

#include "json/described.h"
#include "session/all_methods.h"
#include "tests/catch.h"
#include "tests/unit/control/caller.h"
#include "tests/unit/groups/stage.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::control;
using aribus::test::json;
using namespace std::chrono_literals;

namespace {

Json list(const groups::Groups& groups, const std::string& params = "{}", const AccessRule& rule = {}) {
  const Method method = group_list([&groups]() -> const groups::Groups& { return groups; });
  Caller caller;
  caller.principal.rule = std::make_shared<const AccessRule>(rule);
  return json(*test::text_of(method.run_here(json(params), caller)));
}

std::vector<std::string> names(const Json& list) {
  std::vector<std::string> out;
  for (const JsonValue& group : list["groups"].GetArray()) out.emplace_back(find_string(group, "name"));
  return out;
}

// "c1 accepted w1"
std::vector<std::string> calls(const JsonValue& group) {
  std::vector<std::string> out;
  for (const JsonValue& call : group["calls"].GetArray()) {
    out.push_back(std::string(find_string(call, "call")) + " " + std::string(find_string(call, "state")) +
                  " " + std::string(find_string(call, "member")));
  }
  return out;
}

groups::Settings group_of(const std::string& name, const std::vector<std::string>& apps) {
  groups::Settings settings;
  settings.name = name;
  settings.apps = apps;
  return settings;
}

}  // namespace

TEST_CASE("a group is listed with its members and calls, those that wait first") {
  test::Stage stage({test::ivr()});
  stage.join(1, "w1", 2);
  const std::string unnamed = stage.join(2, "", 0);
  stage.enter("c1");
  stage.accept(1, "c1");
  stage.now += 1ms;
  stage.enter("c2");
  stage.now += 1ms;
  stage.enter("c3");
  const Json answer = list(*stage.groups);
  REQUIRE(answer["groups"].Size() == 1);
  const JsonValue& group = answer["groups"][0];
  CHECK(to_text(group["apps"]) == R"(["demo"])");
  CHECK(group["configured"].GetBool());
  CHECK_FALSE(group["exclusive"].GetBool());
  CHECK(find_string(group, "fallback") == "continue");
  CHECK(group["waiting"].GetUint() == 1);
  CHECK(
      to_text(group["members"]) ==
      R"([{"member":"w1","named":true,"connection":1,"capacity":2,"calls":2,"draining":false,"suspended":false},)"
      R"({"member":")" +
          unnamed +
          R"(","named":false,"connection":2,"capacity":0,"calls":0,"draining":false,"suspended":false}])");
  CHECK(calls(group) == std::vector<std::string>{"c3 waiting ", "c2 offered w1", "c1 accepted w1"});
  CHECK(to_text(group["calls"][2]) ==
        R"({"call":"c1","server":"pbx1","app":"demo","state":"accepted","member":"w1","epoch":)" +
            std::to_string(test::Stage::start_ms) + R"(,"entered":"2026-11-22T21:59:37.690Z","previous":""})");
  CHECK(find(group, "more") == nullptr);
}

TEST_CASE("a member that is away has no connection, one without a bound no capacity") {
  test::Stage stage({test::ivr()});
  stage.join(1, "w1");
  stage.enter("c1");
  stage.accept(1, "c1");
  stage.disconnect(1);
  const Json answer = list(*stage.groups);
  CHECK(to_text(answer["groups"][0]["members"]) ==
        R"([{"member":"w1","named":true,"connection":null,"calls":1,"draining":false,"suspended":false}])");
}

TEST_CASE("what a call went through is seen: who had it before, and that it is outside or falls back") {
  test::Stage stage({test::ivr_with([](auto& settings) { settings.fallback_after = 100ms; })});
  stage.join(1, "w1");
  stage.join(2, "w2");
  stage.enter("c1");
  const std::string first = stage.owner("c1");
  stage.decline(first == "w1" ? 1 : 2, "c1");
  CHECK(find_string(list(*stage.groups)["groups"][0]["calls"][0], "previous") == first);
  stage.disconnect(1);
  stage.disconnect(2);
  stage.end("c1");
  stage.enter("c2");
  CHECK(stage.command(9, "c2"));
  stage.enter("c3");
  stage.pass(100ms);
  CHECK(calls(list(*stage.groups)["groups"][0]) == std::vector<std::string>{"c2 outside ", "c3 fallback "});
}

TEST_CASE("groups are listed by name, or the one that was asked for") {
  test::Stage stage({group_of("b", {"demo"}), group_of("a", {"demo"})});
  CHECK(names(list(*stage.groups)) == std::vector<std::string>{"a", "b"});
  CHECK(names(list(*stage.groups, R"({"group":"b"})")) == std::vector<std::string>{"b"});
  CHECK(names(list(*stage.groups, R"({"group":"c"})")).empty());
}

TEST_CASE("a rule with apps sees a group only if it sees all of its applications") {
  test::Stage stage({group_of("both", {"demo", "other"}), group_of("one", {"demo"}), group_of("two", {"other"})});
  const AccessRule demo{.name = "x", .apps = {"demo"}};
  CHECK(names(list(*stage.groups, "{}", demo)) == std::vector<std::string>{"one"});
  CHECK(names(list(*stage.groups, R"({"group":"both"})", demo)).empty());
  CHECK(names(list(*stage.groups, "{}", {.name = "x", .apps = {"demo", "other"}})).size() == 3);
}

TEST_CASE("of very many calls a bounded number is shown, and how many more there are") {
  test::Stage stage({group_of("a", {"demo"}), group_of("b", {"demo"}), group_of("c", {"demo"}),
               group_of("d", {"demo"}), group_of("e", {"demo"}), group_of("f", {"demo"})});
  constexpr size_t count = max_listed_calls_of_group + 7;
  for (size_t i = 0; i < count; ++i) stage.enter("c" + std::to_string(i));
  const Json answer = list(*stage.groups);
  REQUIRE(answer["groups"].Size() == 6);
  CHECK(answer["groups"][0]["calls"].Size() == max_listed_calls_of_group);
  CHECK(find_string(answer["groups"][0]["calls"][0], "call") == "c0");
  CHECK(answer["groups"][0]["more"].GetUint() == 7);
  CHECK(answer["groups"][0]["waiting"].GetUint() == count);
  CHECK(answer["groups"][5]["calls"].Size() == 0);  // the others have taken the room
  CHECK(answer["groups"][5]["more"].GetUint() == count);
}

TEST_CASE("without groups there are none to list") {
  const Method method = group_list({});
  CHECK(test::text_of(method.run_here(json("{}"), test::a_caller())).value() == R"({"groups":[]})");
}

TEST_CASE("the method is described, and for those who read") {
  const Method* method = session::declared_methods().find("group.list");
  REQUIRE(method != nullptr);
  CHECK(method->access_level == AccessLevel::read);
  const Json schema = json(method->answer_schema);
  const JsonValue& group = schema["properties"]["groups"]["items"]["properties"];
  CHECK(to_text(group["members"]["items"]["properties"]["connection"]) ==
        R"({"oneOf":[{"type":"integer"},{"type":"null"}]})");
  CHECK(group["calls"]["items"]["properties"].HasMember("epoch"));
  CHECK_FALSE(std::ranges::any_of(schema["properties"]["groups"]["items"]["required"].GetArray(),
                                  [](const JsonValue& name) { return as_view(name) == "more"; }));
}
