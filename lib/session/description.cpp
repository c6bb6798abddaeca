#include "session/description.h"

#include <map>
#include <vector>

#include "json/json_builder.h"
#include "protocol/default_socket.h"
#include "record/id_set.h"
#include "record/own_records.h"
#include "record/schema.h"
#include "session/results.h"

namespace aribus::session {
namespace {

constexpr std::string_view definitions = "#/$defs/";

// The members of every record, and the marks of unusual ones.
std::string envelope_schema() {
  constexpr std::string_view ids =
      R"({"type":"array","items":{"type":"string","minLength":1},"minItems":1,"uniqueItems":true})";
  ObjectBuilder properties;
  properties.json("seq", R"({"type":"integer","minimum":1})")
      .json("time", R"({"type":"string","format":"date-time","pattern":)"
                    R"("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$"})")
      .json("server", R"({"type":"string"})")
      .json("app", R"({"type":"string"})")
      .json("type", R"({"type":"string"})");
  for (size_t kind = 0; kind < record::id_kinds; ++kind) {
    properties.json(record::field_name(static_cast<record::IdKind>(kind)), ids);
  }
  properties.json("synthetic",
                  R"({"const":true,"description":"aribus derived it; Asterisk did not send it"})");
  properties.json("known", R"({"const":false,"description":"the type is unknown to aribus"})")
      .json("invalid", R"({"type":"string","description":"where and why the fields are not as declared"})")
      .json("fields", R"({"type":"object","description":"fields whose names the envelope uses"})");
  return ObjectBuilder()
      .text("type", "object")
      .json("required", strings_text(std::vector<std::string_view>{"seq", "time", "server", "app", "type"}))
      .json("properties", properties.str())
      .str();
}

std::string notification_schema(std::string_view method, std::string_view params) {
  return ObjectBuilder()
      .text("type", "object")
      .json("required", R"(["jsonrpc","method","params"])")
      .json("properties", ObjectBuilder()
                              .json("jsonrpc", R"({"const":"2.0"})")
                              .json("method", ObjectBuilder().text("const", method).str())
                              .json("params", ObjectBuilder().text("$ref", params).str())
                              .str())
      .str();
}

std::vector<const ari::ModelType*> events() {
  std::vector<const ari::ModelType*> all;
  for (const ari::ModelType& model : ari::models()) {
    if (model.event) all.push_back(&model);
  }
  return all;
}

// "If the type is `name`, its definition holds."
std::string dispatch(std::string_view name) {
  const std::string type = ObjectBuilder().json("type", ObjectBuilder().text("const", name).str()).str();
  return ObjectBuilder()
      .json("if", ObjectBuilder().json("properties", type).str())
      .json("then", ObjectBuilder().text("$ref", std::string(definitions) + std::string(name)).str())
      .str();
}

}  // namespace

std::string records_schema() {
  std::vector<std::string> names, dispatches;
  for (const ari::ModelType* event : events()) names.emplace_back(event->name);
  for (const record::OwnType& own : record::own_types()) names.emplace_back(own.name);
  for (const std::string& name : names) dispatches.push_back(dispatch(name));
  // It has `invalid` and is certain all the same.
  constexpr std::string_view malformed =
      R"([{"if":{"properties":{"type":{"const":"Malformed"}},"not":{"required":["known"]}},)"
      R"("then":{"$ref":"#/$defs/Malformed"}}])";
  const std::string known =
      ObjectBuilder()
          .json("properties",
                ObjectBuilder().json("type", ObjectBuilder().json("enum", strings_text(names)).str()).str())
          .json("allOf", array_text(dispatches))
          .str();
  ObjectBuilder defs;
  defs.json("envelope", envelope_schema())
      .json("event_notification", notification_schema("event", "#"))
      .json("lost_notification", notification_schema("lost", "#/$defs/lost"))
      .json("lost", json_schema<Lost>());
  std::map<std::string_view, std::string> schemas;
  for (const ari::ModelType* model : record::closure_of(events())) {
    schemas.emplace(model->name, record::schema_of(*model, definitions));
  }
  for (const record::OwnType& own : record::own_types()) schemas.emplace(own.name, own.schema());
  for (const auto& [name, schema] : schemas) defs.json(name, schema);
  return ObjectBuilder()
      .text("$schema", "https://json-schema.org/draft/2020-12/schema")
      .text("title", "A record of aribus: `params` of the notification `event`")
      .text("description",
            "Fields that are not named here are allowed: Asterisk grows. A record of an unknown type bears "
            "`known`, one that is not as declared bears `invalid`; of those only the envelope is certain.")
      .text("$ref", "#/$defs/envelope")
      .json("if", R"({"anyOf":[{"required":["known"]},{"required":["invalid"]}]})")
      .json("else", known)
      .json("allOf", malformed)
      .json("$defs", defs.str())
      .str();
}

std::string describe_notifications(std::string_view version) {
  const auto message = [](std::string_view name, std::string_view title) {
    const std::string schema = ObjectBuilder()
                                   .text("schemaFormat", "application/schema+json;version=draft-2020-12")
                                   .json("schema", ObjectBuilder()
                                                       .text("$ref", "records.schema.json#/$defs/" +
                                                                         std::string(name) + "_notification")
                                                       .str())
                                   .str();
    return ObjectBuilder().text("name", name).text("title", title).json("payload", schema).str();
  };
  const auto operation = [](std::string_view name, std::string_view summary) {
    const std::string at = R"({"$ref":"#/channels/socket/messages/)" + std::string(name) + R"("})";
    return ObjectBuilder()
        .text("action", "send")
        .json("channel", R"({"$ref":"#/channels/socket"})")
        .text("summary", summary)
        .json("messages", "[" + at + "]")
        .str();
  };
  return ObjectBuilder()
      .text("asyncapi", "3.0.0")
      .json("info",
            ObjectBuilder()
                .text("title", "aribus")
                .text("version", version)
                .text("description",
                      "What aribusd sends to a subscriber without a request: JSON-RPC 2.0 notifications, "
                      "one a line. The requests are in openrpc.json.")
                .json("license", R"({"name":"MIT"})")
                .str())
      .text("defaultContentType", "application/json")
      .json("servers", R"({"local":{"host":"localhost","pathname":")" + std::string(default_socket) +
                           R"(","protocol":"unix",)"
                           R"("description":"a Unix stream socket; its path is in the configuration"}})")
      .json("channels",
            R"({"socket":{"address":null,"messages":{"event":{"$ref":"#/components/messages/event"},)"
            R"("lost":{"$ref":"#/components/messages/lost"}}}})")
      .json("operations",
            ObjectBuilder()
                .json("event", operation("event", "A record that passes the subscription's filter."))
                .json("lost", operation("lost", "Records from `from` to `to` could not be delivered."))
                .str())
      .json("components", ObjectBuilder()
                              .json("messages", ObjectBuilder()
                                                    .json("event", message("event", "A record"))
                                                    .json("lost", message("lost", "Records that were lost"))
                                                    .str())
                              .str())
      .str();
}

}  // namespace aribus::session
