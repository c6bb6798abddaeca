#include "control/named_ids.h"

#include <algorithm>

#include "ari/schema.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::control;
using aribus::test::json;
using Strings = std::vector<std::string>;

namespace {

Strings keys_of(const Json& params) {
  return *order_keys(params);
}

Strings sorted(Strings strings) {
  std::ranges::sort(strings);
  return strings;
}

}  // namespace

TEST_CASE("the keys of a command are the ids that it names, by kind") {
  for (const char* id : {R"("a\nb")", R"("\r")", R"("a\u0000")", R"(["c1","\u007f"])"}) {
    const auto keys = order_keys(json(R"({"channelId":)" + std::string(id) + "}"));
    REQUIRE_FALSE(keys.ok());
    CHECK(keys.error().kind == ErrorKind::invalid_params);
    CHECK_THAT(keys.error().message, ContainsSubstring("control character"));
  }
  CHECK(keys_of(json("null")).empty());
  CHECK(keys_of(json("[]")).empty());
  CHECK(keys_of(json(R"({"endpoint":"PJSIP/1"})")).empty());
  CHECK(sorted(keys_of(json(R"({"bridgeId":"x","channel":["c1","c2"]})"))) == Strings{"0:c1", "0:c2", "1:x"});
  CHECK(keys_of(json(R"({"channelId":"x"})")) == keys_of(json(R"({"channel":"x"})")));
  CHECK(keys_of(json(R"({"channelId":"x"})")) != keys_of(json(R"({"bridgeId":"x"})")));
  CHECK(keys_of(json(R"({"playbackId":"x"})")) != keys_of(json(R"({"bridgeId":"x"})")));
  CHECK(sorted(keys_of(json(R"({"channelId":"c1","name":"r1","format":"wav"})"))) ==
        sorted({keys_of(json(R"({"recordingName":"r1"})"))[0], "0:c1"}));
  CHECK(keys_of(json(R"({"channelId":5,"bridgeId":[1]})")).empty());
}

TEST_CASE("every parameter in a path that is an id of these kinds is a key") {
  for (const ari::Operation& operation : ari::operations()) {
    for (const char* name : {"channelId", "bridgeId", "playbackId", "recordingName", "snoopId"}) {
      if (operation.find(name) == nullptr) continue;
      INFO(operation.name << " " << name);
      CHECK(keys_of(json(R"({")" + std::string(name) + R"(":"x"})")).size() == 1);
    }
  }
}
