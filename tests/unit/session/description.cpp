#include "session/description.h"

#include <set>

#include <rapidjson/pointer.h>

#include "ari/schema.h"
#include "record/schema.h"
#include "session/describe.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using aribus::test::json;

namespace {

const Json& schema() {
  static const Json parsed = json(session::records_schema());
  return parsed;
}

const JsonValue& definition(const char* name) {
  return schema()["$defs"][name];
}

}  // namespace

TEST_CASE("every declared type of event has its definition, and every type of aribus' own") {
  std::set<std::string> types;
  for (const JsonValue& type : schema()["else"]["properties"]["type"]["enum"].GetArray())
    types.emplace(as_view(type));
  std::set<std::string> declared;
  for (const auto& models : {ari::models(), record::own_types()}) {
    for (const ari::ModelType& model : models) {
      if (model.event) declared.emplace(model.name);
    }
  }
  CHECK(types == declared);
  CHECK(schema()["else"]["allOf"].Size() == types.size());
  for (const std::string& type : types) {
    INFO(type);
    CHECK(find_string(definition(type.c_str())["properties"]["type"], "const") == type);
  }
}

TEST_CASE("an event's definition has what follows the envelope") {
  const JsonValue& start = definition("StasisStart");
  CHECK(start["required"] == json(R"(["type","args","channel"])"));
  CHECK(start["properties"]["channel"] == json(R"({"$ref":"#/$defs/Channel"})"));
  CHECK(start["properties"]["args"] == json(R"({"type":"array","items":{"type":"string"}})"));
  CHECK(find(start["properties"], "timestamp") == nullptr);
  CHECK(find(start["properties"], "application") == nullptr);
}

TEST_CASE("no field of a declared event has a name of the envelope") {
  for (const ari::ModelType& model : ari::models()) {
    if (!model.event) continue;
    for (const ari::Field& field : model.fields) {
      INFO(model.name << "." << field.name);
      CHECK((field.name == "type" || find(definition("envelope")["properties"], field.name) == nullptr));
    }
  }
}

TEST_CASE("a text that is a number is one in the definition") {
  CHECK(definition("Peer")["properties"]["port"] == json(R"({"type":["integer","string"]})"));
}

TEST_CASE("the notifications refer to definitions that exist") {
  const Json document = json(session::describe_notifications("1.2.3"));
  for (const char* name : {"event", "lost"}) {
    const JsonValue& payload = document["components"]["messages"][name]["payload"]["schema"];
    const std::string reference(find_string(payload, "$ref"));
    REQUIRE(reference.starts_with("records.schema.json#"));
    const std::string pointer = reference.substr(reference.find('#') + 1);
    const JsonValue* notification = rapidjson::Pointer(pointer.c_str()).Get(schema());
    REQUIRE(notification != nullptr);
    INFO(to_text(*notification));
    CHECK(find_string((*notification)["properties"]["method"], "const") == name);
  }
  CHECK(find_string(document["info"], "version") == "1.2.3");
}

namespace {

// The first key that an object in `value` has twice; "" when there is none.
std::string twice(const JsonValue& value) {
  std::set<std::string_view> names;
  if (value.IsObject()) {
    for (const auto& member : value.GetObject()) {
      if (!names.insert(as_view(member.name)).second) return std::string(as_view(member.name));
      if (const std::string inner = twice(member.value); !inner.empty()) return inner;
    }
  } else if (value.IsArray()) {
    for (const JsonValue& item : value.GetArray()) {
      if (const std::string inner = twice(item); !inner.empty()) return inner;
    }
  }
  return {};
}

}  // namespace

TEST_CASE("no description has a key twice in one object") {
  CHECK(twice(schema()).empty());
  CHECK(twice(json(session::describe_notifications("1"))).empty());
  CHECK(twice(json(session::describe("openrpc").value())).empty());
}
