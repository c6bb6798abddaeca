// Structs that describe themselves: from one list of a struct's members come its JSON text and its JSON
// Schema.
//
//   struct Gap {
//     WallTime from;
//     std::optional<std::string> reason;  // may be absent
//     static constexpr auto members = std::tuple(member("from", &Gap::from), member("reason", &Gap::reason));
//   };
//   to_json(gap)       {"from":"2026-11-22T21:46:17.690Z"}
//   json_schema<Gap>() {"type":"object","required":["from"],"properties":{"from":{"type":"string",…},…}}
//
// A member's type says the rest: std::optional is absent when it is empty, every other member is required.
// Integers, bool, strings, WallTime, std::vector, other described structs, OrNull and JsonText are known.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/numbers.h"
#include "base/time.h"
#include "json/json.h"
#include "json/json_builder.h"

namespace aribus {

// One member of `Struct`, and what its schema says besides its type.
template <typename Struct, typename Value>
struct Member {
  std::string_view name;
  Value Struct::*place;
  std::span<const std::string_view> values = {};  // the texts that it may have; empty: any
  bool may_grow = false;                          // later versions may have other texts, too
  std::optional<int64_t> minimum = {};

  [[nodiscard]] constexpr Member one_of(std::span<const std::string_view> texts) const {
    return {name, place, texts, false, minimum};
  }
  // As one_of(), and readers should expect others.
  [[nodiscard]] constexpr Member known_values(std::span<const std::string_view> texts) const {
    return {name, place, texts, true, minimum};
  }
  [[nodiscard]] constexpr Member at_least(int64_t number) const {
    return {name, place, values, may_grow, number};
  }
};

template <typename Struct, typename Value>
[[nodiscard]] constexpr Member<Struct, Value> member(std::string_view name, Value Struct::*place) {
  return {name, place};
}

template <typename Type>
concept Described = requires {
  Type::members;
};

// What has a schema of its own and no members here.
template <typename Type>
concept HasSchema = requires {
  { Type::schema() } -> std::convertible_to<std::string>;
};

// Any JSON value, and any object.
struct AnyJson {
  static std::string schema() { return "{}"; }
};
struct AnyObject {
  static std::string schema() { return R"({"type":"object"})"; }
};

// A JSON text that is already finished; its schema is that of `Of`.
template <typename Of>
struct JsonText {
  std::string text;
  [[nodiscard]] bool empty() const { return text.empty(); }
};

// null when the text is empty.
template <typename Value>
struct OrNull {
  Value value;
};

namespace described {

template <template <typename...> typename Template, typename Type>
inline constexpr bool is = false;
template <template <typename...> typename Template, typename... Arguments>
inline constexpr bool is<Template, Template<Arguments...>> = true;

template <Described Type>
consteval bool has_each_name_once() {
  return std::apply(
      [](const auto&... members) {
        std::array<std::string_view, sizeof...(members)> names{members.name...};
        std::ranges::sort(names);
        return std::ranges::adjacent_find(names) == names.end();
      },
      Type::members);
}

}  // namespace described

// Calls `take(name, value)` for each member of `whole` that is present.
template <Described Type, typename Take>
void each_member(const Type& whole, Take take) {
  static_assert(described::has_each_name_once<Type>(), "a name is listed twice");
  const auto one = [&](const auto& member) {
    const auto& value = whole.*member.place;
    if constexpr (described::is<std::optional, std::remove_cvref_t<decltype(value)>>) {
      if (value) take(member.name, *value);
    } else {
      take(member.name, value);
    }
  };
  std::apply([&](const auto&... members) { (one(members), ...); }, Type::members);
}

template <typename Type>
void append_json(std::string& out, const Type& value);

// Appends `name`, which needs no escapes, and the value of a member.
template <typename Type>
void append_member(std::string& out, std::string_view name, const Type& value) {
  out += '"';
  out += name;
  out += "\":";
  append_json(out, value);
}

// Appends `value` as JSON.
template <typename Type>
void append_json(std::string& out, const Type& value) {
  if constexpr (Described<Type>) {
    char before = '{';
    each_member(value, [&](std::string_view name, const auto& part) {
      out += std::exchange(before, ',');
      append_member(out, name, part);
    });
    if (before == '{') out += before;
    out += '}';
  } else if constexpr (described::is<std::vector, Type>) {
    out += '[';
    for (const auto& item : value) {
      if (&item != value.data()) out += ',';
      append_json(out, item);
    }
    out += ']';
  } else if constexpr (described::is<OrNull, Type>) {
    value.value.empty() ? static_cast<void>(out += "null") : append_json(out, value.value);
  } else if constexpr (described::is<JsonText, Type>) {
    out += value.text;
  } else if constexpr (std::same_as<Type, WallTime>) {
    out += '"';
    append_rfc3339(out, value);
    out += '"';
  } else if constexpr (std::same_as<Type, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (std::integral<Type>) {
    append_number(out, value);
  } else {
    append_json_string(out, value);
  }
}

template <typename Type>
[[nodiscard]] std::string to_json(const Type& value) {
  std::string out;
  append_json(out, value);
  return out;
}

template <typename Type>
[[nodiscard]] std::string json_schema();

// The schema of what `member` holds.
template <typename Struct, typename Value>
[[nodiscard]] std::string json_schema_of(const Member<Struct, Value>& member) {
  if constexpr (described::is<std::optional, Value>) {
    using Inner = typename Value::value_type;
    return json_schema_of(Member<Struct, Inner>{member.name, nullptr, member.values, member.may_grow, {}});
  } else {
    std::string schema = json_schema<Value>();
    if (member.minimum) {
      schema.pop_back();
      return schema + R"(,"minimum":)" + std::to_string(*member.minimum) + "}";
    }
    if (member.values.empty()) return schema;
    std::string texts = ObjectBuilder().json("enum", strings_text(member.values)).str();
    if (!member.may_grow) return texts;
    return ObjectBuilder().json("anyOf", array_text(std::vector{texts, schema})).str();
  }
}

// Calls `take(name, schema, required)` for each member of `Type`.
template <Described Type, typename Take>
void each_member_schema(Take take) {
  static_assert(described::has_each_name_once<Type>(), "a name is listed twice");
  const auto one = [&]<typename Struct, typename Value>(const Member<Struct, Value>& member) {
    take(member.name, json_schema_of(member), !described::is<std::optional, Value>);
  };
  std::apply([&](const auto&... members) { (one(members), ...); }, Type::members);
}

// The JSON Schema of values of `Type`. It says no more than both of its drafts in use know: draft 7 (OpenRPC)
// and 2020-12 (records).
template <typename Type>
std::string json_schema() {
  if constexpr (HasSchema<Type>) {
    return Type::schema();
  } else if constexpr (Described<Type>) {
    ObjectBuilder properties;
    std::vector<std::string_view> required;
    each_member_schema<Type>([&](std::string_view name, const std::string& schema, bool is_required) {
      properties.json(name, schema);
      if (is_required) required.push_back(name);
    });
    ObjectBuilder schema;
    schema.text("type", "object");
    if (!required.empty()) schema.json("required", strings_text(required));
    return schema.json("properties", properties.str()).str();
  } else if constexpr (described::is<std::vector, Type>) {
    const std::string item = json_schema<typename Type::value_type>();
    return ObjectBuilder().text("type", "array").json("items", item).str();
  } else if constexpr (described::is<OrNull, Type>) {
    using Value = decltype(Type::value);
    if constexpr (std::same_as<Value, std::string>) return R"({"type":["string","null"]})";
    const std::vector<std::string> either{json_schema<Value>(), R"({"type":"null"})"};
    return ObjectBuilder().json("oneOf", array_text(either)).str();
  } else if constexpr (described::is<JsonText, Type>) {
    return []<typename Of>(const JsonText<Of>*) { return json_schema<Of>(); }(static_cast<Type*>(nullptr));
  } else if constexpr (std::same_as<Type, WallTime>) {
    return ObjectBuilder().text("type", "string").text("format", "date-time").str();
  } else if constexpr (std::same_as<Type, bool>) {
    return ObjectBuilder().text("type", "boolean").str();
  } else if constexpr (std::integral<Type>) {
    return ObjectBuilder().text("type", "integer").str();
  } else {
    static_assert(std::convertible_to<const Type&, std::string_view>);
    return ObjectBuilder().text("type", "string").str();
  }
}

}  // namespace aribus
