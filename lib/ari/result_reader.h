// Results of operations, from JSON.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ari/model_json.h"

namespace aribus::ari {

// Reads the result of an operation, a model or a list of models, from JSON.
template <typename T>
struct ResultReader {
  static Result<T> read(const JsonValue& value) { return from_json<T>(value); }
};
template <typename T>
struct ResultReader<std::vector<T>> {
  static Result<std::vector<T>> read(const JsonValue& value) {
    if (!value.IsArray())
      return Error{ErrorKind::malformed,
                   "an array is expected, not a value of type " + std::string(type_name(value)),
                   {}};
    std::vector<T> list;
    for (const JsonValue& item : value.GetArray()) {
      Result<T> one = from_json<T>(item);
      if (!one) {
        one.error().message = "[" + std::to_string(list.size()) + "]: " + one.error().message;
        return std::move(one.error());
      }
      list.push_back(std::move(*one));
    }
    return list;
  }
};

}  // namespace aribus::ari
