#include "session/description.h"

#include <fstream>
#include <set>

#include <rapidjson/pointer.h>

#include "ari/schema.h"
#include "record/own_records.h"
#include "session/describe.h"
#include "tests/catch.h"
#include "tests/support/repeated_key.h"
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
  for (const ari::ModelType& model : ari::models()) {
    if (model.event) declared.emplace(model.name);
  }
  for (const record::OwnType& own : record::own_types()) declared.emplace(own.name);
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

TEST_CASE("no description has a key twice in one object, nor has its file") {
  for (const auto& [what, name] :
       {std::pair("records", "records.schema"), {"asyncapi", "asyncapi"}, {"openrpc", "openrpc"}}) {
    INFO(what);
    CHECK(test::repeated_key(json(session::describe(what).value())) == "");
    std::ifstream file(std::string(ARIBUS_SOURCE_DIR "/docs/protocol/") + name + ".json");
    const std::string text(std::istreambuf_iterator<char>(file), {});
    CHECK(test::repeated_key(json(text)) == "");
  }
}
