// The members of typed models, for from_json() and to_json().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "ari/model_json.h"
#include "base/time.h"

namespace aribus::ari::reflection {

// One member: its name in JSON, and where it is in the struct.
template <typename Pointer>
struct Member {
  std::string_view name;
  Pointer pointer;
};
template <typename Pointer>
Member(std::string_view, Pointer) -> Member<Pointer>;

// Specialised for each struct: a tuple `all` of its members.
template <typename T>
struct Of;

// An error in a value and its place; no error when `what` is empty.
struct Fault {
  std::string where;  // "channel.caller", "media[2]"
  std::string what;

  explicit operator bool() const { return !what.empty(); }
  // The same, as seen from outside of `step`: a member's name, or an index in brackets.
  [[nodiscard]] Fault inside(const std::string& step) && {
    const bool dot = !where.empty() && !where.starts_with('[');
    return {step + (dot ? "." : "") + where, std::move(what)};
  }
};

inline Fault expected(std::string_view what, const JsonValue& value) {
  return {"", std::string(what) + " is expected, not a value of type " + std::string(type_name(value))};
}

inline Fault read(const JsonValue& value, std::string& into) {
  if (!value.IsString()) return expected("a string", value);
  into = as_view(value);
  return {};
}
inline Fault read(const JsonValue& value, int64_t& into) {
  if (!value.IsInt64()) return expected("an integer", value);
  into = value.GetInt64();
  return {};
}
inline Fault read(const JsonValue& value, double& into) {
  if (!value.IsNumber()) return expected("a number", value);
  into = value.GetDouble();
  return {};
}
inline Fault read(const JsonValue& value, bool& into) {
  if (!value.IsBool()) return expected("a boolean", value);
  into = value.GetBool();
  return {};
}
inline Fault read(const JsonValue& value, WallTime& into) {
  const auto time = value.IsString() ? parse_time(as_view(value)) : std::nullopt;
  if (!time) return expected("a time", value);
  into = *time;
  return {};
}
inline Fault read(const JsonValue& value, JsonText& into) {
  into.text = to_text(value);
  return {};
}
template <typename E>
Fault read(const JsonValue& value, Open<E>& into) {
  if (!value.IsString()) return expected("a string", value);
  into = Open<E>(as_view(value));
  return {};
}
template <typename T, typename = decltype(Of<T>::all)>
Fault read(const JsonValue& object, T& into);
template <typename T>
Fault read(const JsonValue& value, std::vector<T>& into) {
  if (!value.IsArray()) return expected("an array", value);
  for (const JsonValue& item : value.GetArray()) {
    if (Fault fault = read(item, into.emplace_back()))
      return std::move(fault).inside("[" + std::to_string(into.size() - 1) + "]");
  }
  return {};
}
template <typename T>
Fault read(const JsonValue& value, std::optional<T>& into) {
  return read(value, into.emplace());
}

template <typename T>
inline constexpr bool may_be_absent = false;
template <typename T>
inline constexpr bool may_be_absent<std::optional<T>> = true;

// One member of a struct.
template <typename T>
Fault read_member(const JsonValue& object, std::string_view name, T& into) {
  const JsonValue* value = find(object, name);
  if (value == nullptr || value->IsNull())
    return may_be_absent<T> ? Fault{} : Fault{std::string(name), "missing"};
  return read(*value, into).inside(std::string(name));
}

template <typename T, typename>
Fault read(const JsonValue& object, T& into) {
  if (!object.IsObject()) return expected("an object", object);
  Fault fault;
  const auto fine = [&](const auto& member) {
    fault = read_member(object, member.name, into.*member.pointer);
    return !fault;
  };
  std::apply([&](const auto&... member) { return (fine(member) && ...); }, Of<T>::all);
  return fault;
}

inline void write(JsonWriter& writer, const std::string& value) {
  write_string(writer, value);
}
inline void write(JsonWriter& writer, int64_t value) {
  writer.Int64(value);
}
inline void write(JsonWriter& writer, double value) {
  writer.Double(value);
}
inline void write(JsonWriter& writer, bool value) {
  writer.Bool(value);
}
inline void write(JsonWriter& writer, WallTime value) {
  write_string(writer, to_rfc3339(value));
}
inline void write(JsonWriter& writer, const JsonText& value) {
  write_raw(writer, value.text);
}
template <typename E>
void write(JsonWriter& writer, const Open<E>& value) {
  write_string(writer, value.text());
}
template <typename T>
void write(JsonWriter& writer, const std::vector<T>& values);

template <typename T, typename = decltype(Of<T>::all)>
void write(JsonWriter& writer, const T& model) {
  const auto write_one = [&](const auto& member) {
    const auto& value = model.*member.pointer;
    if constexpr (may_be_absent<std::remove_cvref_t<decltype(value)>>) {
      if (!value) return;
      write_key(writer, member.name);
      write(writer, *value);
    } else {
      write_key(writer, member.name);
      write(writer, value);
    }
  };
  writer.StartObject();
  std::apply([&](const auto&... member) { (write_one(member), ...); }, Of<T>::all);
  writer.EndObject();
}
template <typename T>
void write(JsonWriter& writer, const std::vector<T>& values) {
  writer.StartArray();
  for (const T& value : values) write(writer, value);
  writer.EndArray();
}

}  // namespace aribus::ari::reflection

namespace aribus::ari {

template <typename T>
Result<T> from_json(const JsonValue& value) {
  T model{};
  const reflection::Fault fault = reflection::read(value, model);
  if (!fault) return model;
  return Error{ErrorKind::malformed, (fault.where.empty() ? "" : fault.where + ": ") + fault.what, {}};
}

template <typename T>
std::string to_json(const T& model) {
  return render([&](JsonWriter& writer) { reflection::write(writer, model); });
}

}  // namespace aribus::ari
