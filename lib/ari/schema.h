// What Asterisk declares about ARI: its operations and models, as tables (schema_tables.cpp is generated from
// Asterisk's own declarations by scripts/generate-ari).
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "json/json.h"

namespace aribus::ari {

// The types in ARI's declarations. `containers` and `object` there are both free-form JSON: `object` here.
// The last two are aribus' own: it accepts them where ARI accepts a string only.
enum class Type : uint8_t {
  none,
  string,
  integer,
  number,
  boolean,
  date,
  object,
  model,
  binary,
  string_or_null,
  string_or_integer
};

// The type with its article, for errors: "a string".
[[nodiscard]] std::string_view text_of(Type type);
// Whether `value` is of `type`; any value is of a free-form type.
[[nodiscard]] bool has_type(const JsonValue& value, Type type);

struct ModelType;

// One field of a model.
struct Field {
  std::string_view name;
  Type type;
  bool list;  // an array of `type`
  bool required;
  const ModelType* model;                         // for Type::model, else nullptr
  std::span<const std::string_view> values = {};  // those declared; Asterisk may send others
};

// One of ARI's models: an object with named fields, those of the models it inherits from included.
struct ModelType {
  std::string_view name;
  bool event;  // it arrives over the WebSocket: its name is the value of `type`
  std::span<const Field> fields;
  std::string_view absent_in = {};  // the newest version seen without it; "": none seen

  // The field `field_name`, or nullptr.
  [[nodiscard]] const Field* find(std::string_view field_name) const;
};

// The place of a parameter in the request: the path, the query, a member of the body with its name, or the
// whole body.
enum class Place : uint8_t { path, query, body, whole_body };

// One parameter of an operation.
struct Parameter {
  std::string_view name;
  Place place = Place::query;
  Type type = Type::string;
  bool required = false;
  bool multiple = false;                                  // several values are allowed, as an array
  std::span<const std::string_view> values = {};          // the values allowed; empty: any
  int64_t minimum = std::numeric_limits<int64_t>::min();  // for integers
  int64_t maximum = std::numeric_limits<int64_t>::max();
  std::string_view absent_in = {};  // the newest version seen without it; "": none seen
};

// The declared result of an operation.
struct ResultType {
  Type type;  // none: nothing
  bool list;
  const ModelType* model;
};

// One of ARI's operations.
struct Operation {
  std::string_view name;    // "<resource>.<operation>", as "channels.get"
  std::string_view method;  // of HTTP
  std::string_view path;    // below /ari, as "/channels/{channelId}"
  std::span<const Parameter> parameters;
  ResultType answer;
  std::string_view since;      // versions that brought it, one a branch, as declared; "": always there
  std::string_view absent_in;  // the newest version seen without it; "": none seen

  // The parameter `parameter_name`, or nullptr.
  [[nodiscard]] const Parameter* find(std::string_view parameter_name) const;
};

// The tables, each sorted by name.
[[nodiscard]] std::span<const ModelType> models();
[[nodiscard]] std::span<const Operation> operations();

// By name, or nullptr.
[[nodiscard]] const ModelType* find_model(std::string_view name);
[[nodiscard]] const Operation* find_operation(std::string_view name);

}  // namespace aribus::ari
