// Values of structs that describe themselves (json/described.h), with all their members.
#pragma once

#include <string>

#include "json/described.h"
#include "record/own_records.h"

namespace aribus::test {

// A value with all members; texts are "sample" or the first that is allowed, lists have one item.
template <typename Type>
[[nodiscard]] Type full_sample() {
  if constexpr (Described<Type>) {
    Type whole{};
    const auto fill = [&]<typename Struct, typename Value>(const Member<Struct, Value>& member) {
      whole.*member.place = full_sample<Value>();
      if (member.values.empty()) return;
      if constexpr (std::same_as<Value, std::string>) whole.*member.place = member.values.front();
    };
    std::apply([&](const auto&... members) { (fill(members), ...); }, Type::members);
    return whole;
  } else if constexpr (described::is<std::optional, Type> || described::is<std::vector, Type>) {
    return Type{full_sample<typename Type::value_type>()};
  } else if constexpr (described::is<OrNull, Type>) {
    return {full_sample<decltype(Type::value)>()};
  } else if constexpr (described::is<JsonText, Type>) {
    return []<typename Of>(const JsonText<Of>*) -> JsonText<Of> {
      if constexpr (HasSchema<Of>) {
        return {"{}"};
      } else {
        return {to_json(full_sample<Of>())};
      }
    }(static_cast<const Type*>(nullptr));
  } else if constexpr (std::same_as<Type, WallTime>) {
    return WallTime(std::chrono::milliseconds(1'795'380'377'690));
  } else if constexpr (std::same_as<Type, bool>) {
    return true;
  } else if constexpr (std::integral<Type>) {
    return 7;
  } else {
    return "sample";
  }
}

// Calls `take` with one record of each of the daemon's own types.
template <typename Take>
void each_own_record(Take take) {
  const auto all = [&]<typename... Own>(const std::tuple<Own...>*) {
    (take(record::own_record(full_sample<Own>(), "pbx1", full_sample<WallTime>())), ...);
  };
  all(static_cast<const record::OwnRecords*>(nullptr));
}

}  // namespace aribus::test
