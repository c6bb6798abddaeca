#include "control/openrpc.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "control/access_rule.h"
#include "control/idempotency.h"
#include "control/methods/method_descriptions.h"
#include "json/json_builder.h"
#include "protocol/rpc_code.h"
#include "record/schema.h"

namespace aribus::control {
namespace {

using ari::Parameter;
using ari::Place;
using ari::Type;

constexpr std::string_view schemas = "#/components/schemas/";

// A kind of error, with the JSON Schema of its `data`; "" if it has none.
struct Failure {
  ErrorKind kind;
  std::string_view name;
  std::string_view message;
  std::string_view data;
};
constexpr Failure failures[] = {
    {ErrorKind::malformed, "malformed", "the line is no JSON", ""},
    {ErrorKind::invalid_request, "invalid_request", "the JSON is no request", ""},
    {ErrorKind::unknown_method, "unknown_method", "no method has this name", ""},
    {ErrorKind::invalid_params, "invalid_params",
     "a parameter is missing, unknown or wrong; nothing was sent",
     R"({"type":"object","properties":{"parameter":{"type":"string"},"expected":{"type":"string"}}})"},
    {ErrorKind::internal, "internal", "a defect of aribus", ""},
    {ErrorKind::refused, "refused", "Asterisk answered, and refused",
     R"({"type":"object","required":["status","message","method","path"],"properties":{"status":{"type":"integer"},)"
     R"("message":{"type":"string"},"method":{"type":"string"},"path":{"type":"string"},"content_type":{"type":"string"},)"
     R"("stasis":{"enum":["not_yet","no_longer","unknown"]}}})"},
    {ErrorKind::not_connected, "not_connected", "not connected to that Asterisk; nothing was sent",
     R"({"type":"object","required":["server"],"properties":{"server":{"type":"string"}}})"},
    {ErrorKind::outcome_unknown, "outcome_unknown", "it was sent and no answer came: the outcome is unknown",
     R"({"type":"object","properties":{"timeout_ms":{"type":"integer"},"status":{"type":"integer"},"command":{"type":"string"},)"
     R"("outcome":{"enum":["done","not_done","unknown"]}}})"},
    {ErrorKind::not_allowed, "not_allowed", "the access rule does not allow it; nothing was sent",
     R"({"type":"object","required":["rule"],"properties":{"rule":{"type":"string"}}})"},
    {ErrorKind::too_much, "too_much",
     "too many commands are under way, or came in a second; nothing was sent",
     R"({"type":"object","required":["limit"],"properties":{"limit":{"type":"integer"},"rule":{"type":"string"}}})"},
    {ErrorKind::too_old, "too_old", "this Asterisk is too old for it; nothing was sent",
     R"({"type":"object","required":["since","version"],"properties":{"since":{"type":"string"},)"
     R"("version":{"type":"string"}}})"},
    {ErrorKind::not_owner, "not_owner",
     "the call, or the bridge, belongs to another member of its group; nothing was sent",
     R"({"type":"object","required":["group","owner","epoch"],"properties":{"call":{"type":"string"},)"
     R"("bridge":{"type":"string"},"group":{"type":"string"},"owner":{"type":"string"},"epoch":{"type":"integer"}}})"},
};

constexpr std::string_view binary_schema =
    R"({"type":"object","required":["content_type","encoding","data"],"properties":{"content_type":)"
    R"({"type":"string"},"encoding":{"const":"base64"},"data":{"type":"string"}}})";

std::string reference(std::string_view to) {
  return ObjectBuilder().text("$ref", to).str();
}

// The versions of Asterisk that have a method or a parameter.
void add_versions(ObjectBuilder& facts, std::string_view since, std::string_view absent_in) {
  std::vector<std::string_view> versions;
  for (size_t at = 0; at < since.size();) {
    const size_t end = std::min(since.find(' ', at), since.size());
    versions.push_back(since.substr(at, end - at));
    at = end + 1;
  }
  if (!versions.empty()) facts.json("since", strings_text(versions));
  if (!absent_in.empty()) facts.text("later_than", absent_in);
}

std::string value_schema(const Parameter& parameter) {
  if (!parameter.values.empty()) {
    return ObjectBuilder().text("type", "string").json("enum", strings_text(parameter.values)).str();
  }
  switch (parameter.type) {
    case Type::object:
      return R"({"type":"object"})";
    case Type::string:
      return parameter.place == Place::path ? R"({"type":"string","minLength":1})" : R"({"type":"string"})";
    case Type::integer: {
      ObjectBuilder schema;
      schema.text("type", "integer");
      using Limits = std::numeric_limits<int64_t>;
      if (parameter.minimum != Limits::min()) schema.integer("minimum", parameter.minimum);
      if (parameter.maximum != Limits::max()) schema.integer("maximum", parameter.maximum);
      return schema.str();
    }
    default:
      return record::schema_of(parameter.type, false, nullptr, schemas);
  }
}

std::string parameter_text(const Method& method, const Parameter& parameter, bool of_ari) {
  const std::string one = value_schema(parameter);
  const std::string several =
      ObjectBuilder().text("type", "array").json("items", one).integer("minItems", 1).str();
  ObjectBuilder text;
  text.text("name", parameter.name);
  if (const MethodDescription* description = description_of(method, parameter.name))
    text.text("description", description->text);
  text.boolean("required", parameter.required);
  text.json("schema", parameter.multiple
                          ? ObjectBuilder().json("oneOf", array_text(std::vector{one, several})).str()
                          : one);
  if (of_ari) {
    constexpr std::string_view places[] = {"path", "query", "body", "whole body"};
    ObjectBuilder facts;
    facts.text("in", places[static_cast<size_t>(parameter.place)]);
    add_versions(facts, "", parameter.absent_in);
    text.json("x-ari", facts.str());
  }
  return text.str();
}

std::string answer_schema(const Method& method) {
  if (!method.answer_schema.empty()) return std::string(method.answer_schema);
  if (method.answer.type == Type::binary) return reference(std::string(schemas) + "BinaryContent");
  return record::schema_of(method.answer.type, method.answer.list, method.answer.model, schemas);
}

std::string result_text(const Method& method) {
  std::string schema = answer_schema(method);
  if (!method.answer_when_waiting.empty()) {
    const std::string waiting(method.answer_when_waiting);
    schema = ObjectBuilder().json("oneOf", array_text(std::vector{schema, waiting})).str();
  }
  return ObjectBuilder().text("name", "result").json("schema", schema).str();
}

std::string errors_text(const Method& method) {
  using enum ErrorKind;
  std::vector<ErrorKind> kinds{invalid_params, internal, not_allowed};
  if (method.run) kinds.insert(kinds.end(), {refused, not_connected, outcome_unknown, too_much, too_old});
  if (method.run_here || method.run_later) kinds.push_back(too_much);
  if ((method.run || method.is_about_connection) && method.access_level != AccessLevel::read)
    kinds.push_back(not_owner);
  std::vector<std::string> texts;
  for (const Failure& failure : failures) {
    if (std::ranges::find(kinds, failure.kind) == kinds.end()) continue;
    texts.push_back(reference("#/components/errors/" + std::string(failure.name)));
  }
  return array_text(texts);
}

std::string_view first_sentence(std::string_view text) {
  const size_t end = text.find(". ");
  return end == std::string_view::npos ? text : text.substr(0, end + 1);
}

// The tag of a method: ARI's resource, "verbs" (the shortcuts) or "daemon".
std::string_view tag_of(const Method& method, const ari::Operation* operation) {
  if (operation != nullptr) return operation->name.substr(0, operation->name.find('.'));
  return method.run ? "verbs" : "daemon";
}

std::string method_text(const Method& method) {
  const ari::Operation* operation = ari::find_operation(method.name);
  ObjectBuilder text;
  text.text("name", method.name);
  const std::string tag = ObjectBuilder().text("name", tag_of(method, operation)).str();
  text.json("tags", array_text(std::vector{tag}));
  if (const MethodDescription* description = description_of(method))
    text.text("summary", first_sentence(description->text)).text("description", description->text);
  text.text("paramStructure", "by-name");
  // OpenRPC requires that required parameters come first.
  std::vector<std::string> parameters, optional;
  for (const Parameter& parameter : method.parameters) {
    (parameter.required ? parameters : optional)
        .push_back(parameter_text(method, parameter, operation != nullptr));
  }
  parameters.insert(parameters.end(), optional.begin(), optional.end());
  for (const std::string_view common : {"server", "key", "epoch"}) {
    const bool takes = method.run && (common != "epoch" || method.access_level != AccessLevel::read);
    if (takes) parameters.push_back(reference("#/components/contentDescriptors/" + std::string(common)));
  }
  text.json("params", array_text(parameters));
  text.json("result", result_text(method));
  text.json("errors", errors_text(method));
  text.text("x-access", method_sets[static_cast<size_t>(method.access_level)]);
  if (operation != nullptr) {
    ObjectBuilder facts;
    facts.text("method", operation->method).text("path", operation->path);
    add_versions(facts, operation->since, operation->absent_in);
    text.json("x-ari", facts.str());
  } else if (!method.operations.empty()) {
    text.json("x-made-of", strings_text(method.operations));
  }
  return text.str();
}

std::string components_text(const std::vector<const ari::ModelType*>& answered) {
  ObjectBuilder models;
  for (const ari::ModelType* model : record::closure_of(answered)) {
    models.json(model->name, record::schema_of(*model, schemas));
  }
  models.json("BinaryContent", binary_schema);
  ObjectBuilder errors;
  for (const Failure& failure : failures) {
    ObjectBuilder error;
    error.integer("code", code_of(failure.kind)).text("message", failure.message);
    if (!failure.data.empty()) error.json("data", failure.data);
    errors.json(failure.name, error.str());
  }
  const auto common = [](std::string_view name, std::string_view schema) {
    return ObjectBuilder()
        .text("name", name)
        .text("description", description_of(Method{}, name)->text)
        .boolean("required", false)
        .json("schema", schema)
        .str();
  };
  const std::string key_schema = ObjectBuilder()
                                     .text("type", "string")
                                     .integer("minLength", 1)
                                     .integer("maxLength", IdempotencyStore::max_key_bytes)
                                     .str();
  return ObjectBuilder()
      .json("contentDescriptors", ObjectBuilder()
                                      .json("server", common("server", R"({"type":"string"})"))
                                      .json("key", common("key", key_schema))
                                      .json("epoch", common("epoch", R"({"type":"integer","minimum":0})"))
                                      .str())
      .json("schemas", models.str())
      .json("errors", errors.str())
      .str();
}

}  // namespace

OpenRpcDocument describe(const MethodTable& methods, std::string_view version) {
  OpenRpcDocument document;
  std::vector<const ari::ModelType*> answered;
  for (const auto& [name, method] : methods.all()) {
    document.methods.push_back({method_text(method)});
    answered.push_back(method.answer.model);
  }
  document.openrpc = "1.3.2";
  document.info.text =
      ObjectBuilder()
          .text("title", "aribus")
          .text("description",
                "The methods of aribusd: JSON-RPC 2.0 on a Unix socket, one text a line. The "
                "`data` of an error is given as its JSON Schema.")
          .json("license", R"({"name":"MIT"})")
          .text("version", version)
          .str();
  document.components.text = components_text(answered);
  return document;
}

}  // namespace aribus::control
