// Readers of JSON keep one of two members of the same name, each its own one: no text of aribus has such.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "json/json.h"

namespace aribus::test {

// The first key that an object in `value` has twice; "" when there is none. A parsed text still has both.
inline std::string repeated_key(const JsonValue& value) {
  std::set<std::string_view> names;
  if (value.IsObject()) {
    for (const auto& member : value.GetObject()) {
      if (!names.insert(as_view(member.name)).second) return std::string(as_view(member.name));
      if (std::string inner = repeated_key(member.value); !inner.empty()) return inner;
    }
  } else if (value.IsArray()) {
    for (const JsonValue& item : value.GetArray()) {
      if (std::string inner = repeated_key(item); !inner.empty()) return inner;
    }
  }
  return {};
}

}  // namespace aribus::test
