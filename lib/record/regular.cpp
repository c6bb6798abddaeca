#include "record/regular.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "ari/causes.h"
#include "base/time.h"

namespace aribus::record {
namespace {

using ari::Field;
using ari::Model;
using ari::Type;

// Declared as strings, and numbers in truth: Asterisk formats them with %d.
struct NumberField {
  std::string_view model;
  std::string_view field;
};
constexpr NumberField number_fields[] = {
    {"ContactInfo", "roundtrip_usec"},
    {"Peer", "port"},
    {"Peer", "time"},
};

std::optional<int64_t> whole_number(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

// ARI leaves a cause without its text in some events.
void write_cause_text(JsonWriter& writer, const JsonValue& object, const JsonValue& cause) {
  const JsonValue* text = find(object, "cause_txt");
  if (text != nullptr && !text->IsNull()) return;
  if (cause.IsInt()) write_member(writer, "cause_txt", ari::cause_text(cause.GetInt()));
  if (cause.IsString()) write_member(writer, "cause_txt", as_view(cause));
}

std::string fault_in(const JsonValue& value, Type type, const Model* model, const std::string& where) {
  if (!ari::has_type(value, type)) {
    return where + ": " + std::string(model == nullptr ? ari::text_of(type) : model->name) +
           " is expected, not " +
           (value.IsString() && type == Type::date ? "'" + std::string(as_view(value)) + "'"
                                                   : "a value of type " + std::string(type_name(value)));
  }
  if (type != Type::model || model == nullptr) return {};
  const std::string inside = where.empty() ? "" : where + ".";
  for (const Field& field : model->fields) {
    const JsonValue* member = find(value, field.name);
    const std::string at = inside + std::string(field.name);
    if (member == nullptr || member->IsNull()) {
      if (field.required) return at + ": missing";
      continue;
    }
    if (!field.list) {
      if (std::string fault = fault_in(*member, field.type, field.model, at); !fault.empty()) return fault;
      continue;
    }
    if (!member->IsArray()) {
      return at + ": an array is expected, not a value of type " + std::string(type_name(*member));
    }
    for (rapidjson::SizeType i = 0; i < member->Size(); ++i) {
      std::string fault = fault_in((*member)[i], field.type, field.model, at + "[" + std::to_string(i) + "]");
      if (!fault.empty()) return fault;
    }
  }
  return {};
}

}  // namespace

bool is_number_field(const Model& model, std::string_view field) {
  return std::ranges::any_of(number_fields,
                             [&](const NumberField& n) { return n.model == model.name && n.field == field; });
}

std::string find_fault(const JsonValue& value, const Model& model) {
  return fault_in(value, Type::model, &model, "");
}

void write_regular(JsonWriter& writer, const JsonValue& value, Type type, const Model* model) {
  if (value.IsArray()) {
    writer.StartArray();
    for (const JsonValue& item : value.GetArray()) write_regular(writer, item, type, model);
    writer.EndArray();
    return;
  }
  if (type == Type::date && value.IsString()) {
    if (const auto time = parse_time(as_view(value))) {
      write_string(writer, to_rfc3339(*time));
      return;
    }
  }
  if (type != Type::model || model == nullptr || !value.IsObject()) {
    value.Accept(writer);
    return;
  }
  writer.StartObject();
  for (const auto& member : value.GetObject()) {
    write_regular_member(writer, value, as_view(member.name), member.value, *model);
  }
  writer.EndObject();
}

void write_regular_member(JsonWriter& writer, const JsonValue& object, std::string_view name,
                          const JsonValue& value, const Model& model) {
  if (value.IsNull()) return;
  const Field* field = model.find(name);
  write_key(writer, name);
  if (field == nullptr) {
    value.Accept(writer);
  } else if (const auto number = value.IsString() && is_number_field(model, name)
                                     ? whole_number(as_view(value))
                                     : std::nullopt) {
    writer.Int64(*number);
  } else {
    write_regular(writer, value, field->type, field->model);
  }
  if (name == "cause") write_cause_text(writer, object, value);
}

}  // namespace aribus::record
