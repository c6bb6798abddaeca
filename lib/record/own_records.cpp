#include "record/own_records.h"

#include <array>

namespace aribus::record {
namespace {

template <OwnRecord Own>
std::string schema_of_own() {
  ObjectBuilder properties;
  std::vector<std::string_view> required{"type"};
  properties.json("type", ObjectBuilder().text("const", Own::type).str());
  each_member_schema<Own>([&](std::string_view name, const std::string& schema, bool is_required) {
    properties.json(name, schema);
    if (is_required) required.push_back(name);
  });
  return ObjectBuilder()
      .text("type", "object")
      .json("required", strings_text(required))
      .json("properties", properties.str())
      .str();
}

template <typename... Own>
constexpr auto types_of(const std::tuple<Own...>*) {
  return std::array{OwnType{Own::type, schema_of_own<Own>}...};
}
constexpr auto own = types_of(static_cast<const OwnRecords*>(nullptr));

}  // namespace

std::span<const OwnType> own_types() {
  return own;
}

const std::vector<std::string_view>& known_types() {
  static const std::vector<std::string_view> types = [] {
    std::vector<std::string_view> all;
    for (const OwnType& type : own) all.push_back(type.name);
    for (const ari::ModelType& model : ari::models()) {
      if (model.event) all.push_back(model.name);
    }
    return all;
  }();
  return types;
}

}  // namespace aribus::record
