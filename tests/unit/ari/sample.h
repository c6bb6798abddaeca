// Objects as Asterisk declares them.
#pragma once

#include <string>

#include "ari/schema.h"
#include "json/json.h"

namespace aribus::test {

inline void write_sample(JsonWriter& writer, const ari::ModelType& model);

inline void write_sample(JsonWriter& writer, const ari::Field& field) {
  switch (field.type) {
    case ari::Type::integer:
      writer.Int(7);
      break;
    case ari::Type::number:
      writer.Double(0.5);
      break;
    case ari::Type::boolean:
      writer.Bool(true);
      break;
    case ari::Type::date:
      write_string(writer, "2026-11-22T21:46:17.690+0100");
      break;
    case ari::Type::object:
      writer.StartObject();
      write_member(writer, "free", "form");
      writer.EndObject();
      break;
    case ari::Type::model:
      write_sample(writer, *field.model);
      break;
    default:
      write_string(writer, field.values.empty() ? "sample" : field.values.front());
  }
}

inline void write_sample(JsonWriter& writer, const ari::ModelType& model) {
  writer.StartObject();
  for (const ari::Field& field : model.fields) {
    write_key(writer, field.name);
    if (model.event && field.name == "type") {
      write_string(writer, model.name);
      continue;
    }
    if (field.list) writer.StartArray();
    write_sample(writer, field);
    if (field.list) writer.EndArray();
  }
  writer.EndObject();
}

// An object of `model` with all its fields; texts are "sample", or the first value declared.
inline std::string sample(const ari::ModelType& model) {
  return render([&](JsonWriter& writer) { write_sample(writer, model); });
}

}  // namespace aribus::test
