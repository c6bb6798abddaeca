#include "session/results.h"

#include <set>

#include "tests/catch.h"
#include "tests/support/repeated_key.h"
#include "tests/unit/described_sample.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::session;
using aribus::test::json;

namespace {

template <typename... Results>
struct Of {};
using All = Of<Hello, Status, Clients, Reloaded, Subscribed, Unsubscribed, Lost>;

// Calls `check(written, schema)` with each result, with all of its members.
template <typename... Results, typename Check>
void each(Of<Results...>, Check check) {
  (check(json(to_json(test::full_sample<Results>())), json(json_schema<Results>())), ...);
}

// The first difference between the members of `value` and those that `schema` names; "" when there is none.
std::string difference(const JsonValue& value, const JsonValue& schema) {
  if (value.IsArray() && value.Size() > 0) return difference(value[0], schema["items"]);
  const JsonValue* properties = find(schema, "properties");
  if (!value.IsObject() || properties == nullptr || value.MemberCount() == 0) return {};
  std::set<std::string> written, described;
  for (const auto& member : value.GetObject()) written.emplace(as_view(member.name));
  for (const auto& member : properties->GetObject()) described.emplace(as_view(member.name));
  for (const std::string& name : written) {
    if (!described.contains(name)) return name + " is not described";
  }
  for (const std::string& name : described) {
    if (!written.contains(name)) return name + " is not written";
  }
  for (const auto& member : value.GetObject()) {
    const std::string inner = difference(member.value, (*properties)[member.name.GetString()]);
    if (!inner.empty()) return std::string(as_view(member.name)) + "." + inner;
  }
  return {};
}

}  // namespace

TEST_CASE("a result has no key twice, nor has its schema") {
  each(All{}, [](const Json& written, const Json& schema) {
    INFO(to_text(written));
    CHECK(test::repeated_key(written).empty());
    CHECK(test::repeated_key(schema).empty());
  });
}

TEST_CASE("a result's schema names what is written") {
  each(All{}, [](const Json& written, const Json& schema) {
    INFO(to_text(written));
    CHECK(difference(written, schema).empty());
  });
}

TEST_CASE("lost records are told in a notification") {
  CHECK(rpc::notification_text("lost", to_json(Lost{.from = 2, .to = 4, .records = 3})) ==
        R"({"jsonrpc":"2.0","method":"lost","params":{"from":2,"to":4,"records":3}})");
}
