// Which Asterisk is too old for what.
#include "ari/versions.h"

#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::ari;
using aribus::test::json;

TEST_CASE("what was absent from a version is absent from all before it in that branch, and older ones") {
  CHECK(too_old_for("16.28.0", "", "16.28"));
  CHECK(too_old_for("16.28.3", "", "16.28"));
  CHECK(too_old_for("16.2.1", "", "16.28"));
  CHECK(too_old_for("13.38.3", "", "16.28"));
  CHECK_FALSE(too_old_for("16.29.0", "", "16.28"));
  CHECK_FALSE(too_old_for("18.0.0", "", "16.28"));
  CHECK_FALSE(too_old_for("22.10.1", "", "16.28"));
}

TEST_CASE("what came to several branches is known for each of them") {
  const std::string_view since = "22.6.0 21.11.0 20.16.0";
  CHECK(too_old_for("22.5.0", since, ""));
  CHECK_FALSE(too_old_for("22.6.0", since, ""));
  CHECK_FALSE(too_old_for("22.10.1", since, ""));
  CHECK(too_old_for("21", since, ""));
  CHECK(too_old_for("21.10.9", since, ""));
  CHECK_FALSE(too_old_for("21.11.0", since, ""));
  CHECK(too_old_for("20.15.2", since, ""));
  CHECK_FALSE(too_old_for("20.16.0", since, ""));
  CHECK_FALSE(too_old_for("23.0.0", since, ""));
  CHECK(too_old_for("19.8.1", since, ""));
  CHECK(too_old_for("18.26.4", since, ""));
}

TEST_CASE("versions are compared as numbers") {
  CHECK(too_old_for("22.9.9", "22.10.0", ""));
  CHECK_FALSE(too_old_for("22.10.0", "22.9.0", ""));
  CHECK(too_old_for("22.6.0", "22.6.1", ""));
  CHECK_FALSE(too_old_for("22.6.1", "22.6.1", ""));
}

TEST_CASE("what distributions append to a version does not matter") {
  CHECK(too_old_for("16.28.0~dfsg-0+deb11u4", "", "16.28"));
  CHECK_FALSE(too_old_for("22.10.1+dfsg+~cs6.10.20220309-1", "22.6.0", ""));
  CHECK(too_old_for("22.5.0-rc1", "22.6.0", ""));
}

TEST_CASE("a version that can't be read may have anything") {
  for (const char* version : {"", "GIT-master-1234abc", "certified/18.9-cert5", "unknown"}) {
    INFO(version);
    CHECK_FALSE(too_old_for(version, "22.6.0", "16.28"));
  }
}

TEST_CASE("what always was is in every version") {
  CHECK_FALSE(too_old_for("1.4", "", ""));
}

TEST_CASE("an operation that is too new is refused with both versions") {
  const ari::Operation* operation = ari::find_operation("bridges.setBridgeVars");
  REQUIRE(operation != nullptr);
  const auto checked = check_version(*operation, json("{}"), "16.28.0");
  REQUIRE_FALSE(checked.ok());
  CHECK(checked.error().kind == ErrorKind::too_old);
  CHECK_THAT(checked.error().message,
             ContainsSubstring("bridges.setBridgeVars") && ContainsSubstring("16.28.0"));
  const Json data = json(checked.error().data);
  CHECK(find_string(data, "version") == "16.28.0");
  CHECK(find_string(data, "since") == operation->since);
  CHECK(check_version(*operation, json("{}"), "23.4.0").ok());
}

TEST_CASE("a parameter that is too new is refused only when it is given") {
  const ari::Operation* hangup = ari::find_operation("channels.hangup");
  CHECK(check_version(*hangup, json(R"({"channelId":"c","reason":"busy"})"), "16.28.0").ok());
  const auto checked = check_version(*hangup, json(R"({"channelId":"c","reason_code":"20"})"), "16.28.0");
  REQUIRE_FALSE(checked.ok());
  CHECK(checked.error().kind == ErrorKind::too_old);
  CHECK_THAT(checked.error().message, ContainsSubstring("reason_code"));
  CHECK(check_version(*hangup, json(R"({"channelId":"c","reason_code":"20"})"), "22.10.1").ok());
}
