#include "json/json_builder.h"

namespace aribus {

std::string string_text(std::string_view value) {
  return render([&](JsonWriter& writer) { write_string(writer, value); });
}

ObjectBuilder& ObjectBuilder::json(std::string_view name, std::string_view value) {
  if (!members_.empty()) members_ += ',';
  members_ += string_text(name) + ":";
  members_ += value;
  return *this;
}

ObjectBuilder& ObjectBuilder::text(std::string_view name, std::string_view value) {
  return json(name, string_text(value));
}

ObjectBuilder& ObjectBuilder::integer(std::string_view name, int64_t value) {
  return json(name, std::to_string(value));
}

ObjectBuilder& ObjectBuilder::boolean(std::string_view name, bool value) {
  return json(name, value ? "true" : "false");
}

}  // namespace aribus
