#include "control/openrpc.h"

#include <algorithm>
#include <set>

#include <rapidjson/pointer.h>

#include "control/methods/originate_outcome.h"
#include "protocol/rpc_code.h"
#include "tests/catch.h"
#include "tests/unit/control/caller.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::control;
using namespace aribus::pbx;
using aribus::test::json;

namespace {

const Json& document() {
  static const Json described = json(to_json(describe(test::asterisk_methods(), "1.2.3")));
  return described;
}

const JsonValue& described_method(std::string_view name) {
  for (const JsonValue& described : document()["methods"].GetArray()) {
    if (find_string(described, "name") == name) return described;
  }
  throw std::runtime_error("no method " + std::string(name));
}

const JsonValue& parameter(std::string_view of_method, std::string_view name) {
  for (const JsonValue& described : described_method(of_method)["params"].GetArray()) {
    if (find_string(described, "name") == name) return described;
  }
  throw std::runtime_error("no parameter " + std::string(name));
}

const JsonValue& result(std::string_view of_method) {
  return described_method(of_method)["result"]["schema"];
}

std::set<std::string> errors_of(std::string_view of_method) {
  std::set<std::string> names;
  for (const JsonValue& error : described_method(of_method)["errors"].GetArray()) {
    const std::string_view reference = find_string(error, "$ref");
    names.emplace(reference.substr(reference.rfind('/') + 1));
  }
  return names;
}

// Everything that `value` refers to.
void add_references(const JsonValue& value, std::set<std::string>& references) {
  if (value.IsArray()) {
    for (const JsonValue& item : value.GetArray()) add_references(item, references);
  } else if (value.IsObject()) {
    if (const auto to = find_string(value, "$ref"); !to.empty()) references.emplace(to);
    for (const auto& member : value.GetObject()) add_references(member.value, references);
  }
}

}  // namespace

TEST_CASE("every method is described, once") {
  std::vector<std::string_view> names;
  for (const JsonValue& described : document()["methods"].GetArray())
    names.push_back(find_string(described, "name"));
  CHECK(names == test::asterisk_methods().names());
  CHECK(find_string(document()["info"], "version") == "1.2.3");
}

TEST_CASE("every parameter of every operation is described, and whether it is required") {
  for (const ari::Operation& operation : ari::operations()) {
    INFO(operation.name);
    const auto params = described_method(operation.name)["params"].GetArray();
    const bool takes_call =  // it creates a channel
        std::ranges::any_of(params, [](const JsonValue& one) { return find_string(one, "name") == "call"; });
    std::vector<std::string> common{"server", "key"};
    if (find_string(described_method(operation.name), "x-access") != "read") common.emplace_back("epoch");
    const size_t own = operation.parameters.size() + (takes_call ? 1 : 0);
    REQUIRE(params.Size() == own + common.size());
    for (size_t i = 0; i < common.size(); ++i) {
      const JsonValue& descriptor = params[static_cast<rapidjson::SizeType>(own + i)];
      CHECK(find_string(descriptor, "$ref") == "#/components/contentDescriptors/" + common[i]);
    }
    for (const ari::Parameter& declared : operation.parameters) {
      INFO(declared.name);
      CHECK(parameter(operation.name, declared.name)["required"].GetBool() == declared.required);
    }
  }
}

TEST_CASE("required parameters come first") {
  for (const JsonValue& described : document()["methods"].GetArray()) {
    INFO(find_string(described, "name"));
    const auto params = described["params"].GetArray();
    CHECK(std::ranges::is_sorted(params, std::greater(), [](const JsonValue& param) {
      const JsonValue* required = find(param, "required");
      return required != nullptr && required->GetBool();
    }));
  }
}

TEST_CASE("a parameter's schema has its type, values, range and number") {
  CHECK(parameter("channels.mute", "direction")["schema"] ==
        json(R"({"type":"string","enum":["both","in","out"]})"));
  CHECK(parameter("channels.get", "channelId")["schema"] == json(R"({"type":"string","minLength":1})"));
  CHECK(parameter("channels.play", "media")["schema"] ==
        json(R"({"oneOf":[{"type":"string"},{"type":"array","items":{"type":"string"},"minItems":1}]})"));
  CHECK(parameter("channels.originate", "timeout")["schema"] == json(R"({"type":"integer"})"));
  CHECK(parameter("channels.originate", "app")["schema"] == json(R"({"type":["string","null"]})"));
  CHECK(parameter("originate", "app")["schema"] == json(R"({"type":["string","null"]})"));
  CHECK(parameter("channels.hangup", "reason")["schema"] == json(R"({"type":["string","integer"]})"));
  CHECK(parameter("channels.originate", "variables")["schema"] == json(R"({"type":"object"})"));
  CHECK(parameter("originate", "wait")["schema"] == json(R"({"type":"string","enum":["answer"]})"));
  CHECK(parameter("channels.record", "maxDurationSeconds")["schema"] ==
        json(R"({"type":"integer","minimum":0})"));
}

TEST_CASE("a result's schema says what the method answers") {
  CHECK(result("channels.answer") == json(R"({"type":"null"})"));
  CHECK(result("channels.get") == json(R"({"$ref":"#/components/schemas/Channel"})"));
  CHECK(result("channels.list") ==
        json(R"({"type":"array","items":{"$ref":"#/components/schemas/Channel"}})"));
  CHECK(result("recordings.getStoredFile") == json(R"({"$ref":"#/components/schemas/BinaryContent"})"));
  CHECK(result("ari.request") == json("{}"));
  const JsonValue& variants = result("originate")["oneOf"];
  CHECK(variants[0] == json(R"({"$ref":"#/components/schemas/Channel"})"));
  CHECK(variants[1] == json(OriginateOutcome::schema));
}

TEST_CASE("models are described as results are: regular") {
  const JsonValue& channel = document()["components"]["schemas"]["Channel"];
  CHECK(channel["properties"]["creationtime"] == json(R"({"type":"string","format":"date-time"})"));
  CHECK(channel["properties"]["caller"] == json(R"({"$ref":"#/components/schemas/CallerID"})"));
  CHECK(channel["properties"]["state"]["anyOf"][1] == json(R"({"type":"string"})"));
  const JsonValue& recording = document()["components"]["schemas"]["LiveRecording"];
  CHECK(recording["properties"]["cause_txt"] == json(R"({"type":"string"})"));
  CHECK(recording["then"] == json(R"({"required":["cause_txt"]})"));
}

TEST_CASE("whatever the description refers to is there") {
  std::set<std::string> references;
  add_references(document(), references);
  CHECK(references.size() > 30);
  for (const std::string& reference : references) {
    INFO(reference);
    CHECK(rapidjson::Pointer(reference.c_str()).Get(document()) != nullptr);
  }
}

TEST_CASE("every code of an error is described") {
  std::set<int> described, codes;
  for (const auto& error : document()["components"]["errors"].GetObject()) {
    CHECK(described.insert(error.value["code"].GetInt()).second);
  }
  for (int kind = 0; kind < static_cast<int>(ErrorKind::system); ++kind)
    codes.insert(code_of(static_cast<ErrorKind>(kind)));
  CHECK(described == codes);
}

TEST_CASE("a method names the errors that it can have") {
  CHECK(errors_of("channels.get") == std::set<std::string>{"internal", "invalid_params", "not_allowed",
                                                           "not_connected", "outcome_unknown", "refused",
                                                           "too_much", "too_old"});
  CHECK(errors_of("channels.answer").contains("not_owner"));
}

TEST_CASE("an operation says what it is in ARI, and since when") {
  CHECK(described_method("channels.progress")["x-ari"] ==
        json(R"({"method":"POST","path":"/channels/{channelId}/progress",)"
             R"("since":["22.6.0","21.11.0","20.16.0"],"later_than":"16.28"})"));
  CHECK(parameter("channels.hangup", "reason_code")["x-ari"] ==
        json(R"({"in":"query","later_than":"16.28"})"));
  CHECK(find(described_method("originate"), "x-ari") == nullptr);
}

TEST_CASE("a verb says what operations it is made of") {
  CHECK(described_method("play")["x-made-of"] == json(R"(["channels.play","bridges.play"])"));
  for (const JsonValue& described : document()["methods"].GetArray()) {
    INFO(find_string(described, "name"));
    const JsonValue* made_of = find(described, "x-made-of");
    CHECK_FALSE(find_string(described, "summary").empty());
    if (made_of == nullptr) continue;
    for (const JsonValue& operation : made_of->GetArray())
      CHECK(ari::find_operation(as_view(operation)) != nullptr);
  }
}
