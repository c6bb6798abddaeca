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
#include <charconv>
#include <concepts>
#include <cstdint>
#include <cstring>
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

namespace described {

// `,"name":` of the i-th member. Its size is known to the compiler, which copies it with few instructions.
template <Described Type, size_t i>
inline constexpr auto key = [] {
  constexpr std::string_view name = std::get<i>(Type::members).name;
  std::array<char, name.size() + 4> text{',', '"'};
  std::ranges::copy(name, text.begin() + 2);
  text[name.size() + 2] = '"';
  text[name.size() + 3] = ':';
  return text;
}();

// Calls `take.operator()<i>(value)` for each member of `whole` that is present.
template <Described Type, typename Take>
void each_present(const Type& whole, Take take) {
  static_assert(has_each_name_once<Type>(), "a name is listed twice");
  const auto one = [&]<size_t i>() {
    const auto& value = whole.*std::get<i>(Type::members).place;
    if constexpr (is<std::optional, std::remove_cvref_t<decltype(value)>>) {
      if (value) take.template operator()<i>(*value);
    } else {
      take.template operator()<i>(value);
    }
  };
  [&]<size_t... i>(std::index_sequence<i...>) {
    (one.template operator()<i>(), ...);
  }(std::make_index_sequence<std::tuple_size_v<decltype(Type::members)>>());
}

}  // namespace described

// Calls `take(name, value)` for each member of `whole` that is present.
template <Described Type, typename Take>
void each_member(const Type& whole, Take take) {
  described::each_present(
      whole, [&]<size_t i>(const auto& value) { take(std::get<i>(Type::members).name, value); });
}

// Bytes that write_json() writes of `value`, at most.
template <typename Type>
[[nodiscard]] size_t max_json_bytes(const Type& value);

// Writes `value` as JSON to `at`, where max_json_bytes(value) bytes have room, and returns its end.
template <typename Type>
char* write_json(char* at, const Type& value);

// Likewise the members of `value` alone, each with a comma in front. Calls `begins(at)` where one begins.
template <Described Type, typename Begins>
char* write_members(char* at, const Type& value, Begins begins) {
  described::each_present(value, [&]<size_t i>(const auto& part) {
    begins(at);
    constexpr const auto& key = described::key<Type, i>;
    std::memcpy(at, key.data(), key.size());
    at = write_json(at + key.size(), part);
  });
  return at;
}
template <Described Type>
[[nodiscard]] size_t max_members_bytes(const Type& value) {
  size_t bytes = 0;
  described::each_present(value, [&]<size_t i>(const auto& part) {
    bytes += described::key<Type, i>.size() + max_json_bytes(part);
  });
  return bytes;
}

template <typename Type>
size_t max_json_bytes(const Type& value) {
  if constexpr (Described<Type>) {
    return max_members_bytes(value) + 2;
  } else if constexpr (described::is<std::vector, Type>) {
    size_t bytes = 2;
    for (const auto& item : value) bytes += max_json_bytes(item) + 1;
    return bytes;
  } else if constexpr (described::is<OrNull, Type>) {
    return value.value.empty() ? 4 : max_json_bytes(value.value);
  } else if constexpr (described::is<JsonText, Type>) {
    return value.text.size();
  } else if constexpr (std::same_as<Type, WallTime>) {
    return rfc3339_size + 2;
  } else if constexpr (std::same_as<Type, bool>) {
    return 5;
  } else if constexpr (std::integral<Type>) {
    return max_digits<Type>;
  } else {
    return max_json_string_bytes(value);
  }
}

template <typename Type>
char* write_json(char* at, const Type& value) {
  const auto write = [](char* to, std::string_view text) { return std::ranges::copy(text, to).out; };
  if constexpr (Described<Type>) {
    char* const begin = at;
    at = write_members(at, value, [](char*) {});
    if (at == begin) ++at;
    *begin = '{';  // instead of the first comma
    *at++ = '}';
  } else if constexpr (described::is<std::vector, Type>) {
    *at++ = '[';
    for (const auto& item : value) {
      if (&item != value.data()) *at++ = ',';
      at = write_json(at, item);
    }
    *at++ = ']';
  } else if constexpr (described::is<OrNull, Type>) {
    at = value.value.empty() ? write(at, "null") : write_json(at, value.value);
  } else if constexpr (described::is<JsonText, Type>) {
    at = write(at, value.text);
  } else if constexpr (std::same_as<Type, WallTime>) {
    *at++ = '"';
    write_rfc3339(at, value);
    at += rfc3339_size;
    *at++ = '"';
  } else if constexpr (std::same_as<Type, bool>) {
    at = write(at, value ? "true" : "false");
  } else if constexpr (std::integral<Type>) {
    at = std::to_chars(at, at + max_digits<Type>, value).ptr;
  } else {
    at = write_json_string(at, value);
  }
  return at;
}

// Appends `value` as JSON.
template <typename Type>
void append_json(std::string& out, const Type& value) {
  const size_t size = out.size();
  out.resize(size + max_json_bytes(value));
  out.resize(static_cast<size_t>(write_json(out.data() + size, value) - out.data()));
}

// Appends `name`, which needs no escapes, and the value of a member.
template <typename Type>
void append_member(std::string& out, std::string_view name, const Type& value) {
  out += '"';
  out += name;
  out += "\":";
  append_json(out, value);
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
