// From typed parameters to a request, and from its answer to a typed result: the inside of operations.cpp.
#pragma once

#include <initializer_list>
#include <string_view>
#include <type_traits>
#include <utility>

#include "ari/client.h"
#include "ari/error_response.h"
#include "ari/result_reader.h"

namespace aribus::ari {

// Errors: malformed, when a text is no UTF-8 or a JsonText no JSON.
template <typename Params>
Result<Json> params_of(const Params& params) {
  return parse_json(to_json(params));
}

inline Result<Json> params_of(std::initializer_list<std::pair<std::string_view, std::string_view>> params) {
  Json object(rapidjson::kObjectType);
  for (const auto& [name, value] : params) set_member(object, name, value);
  return object;
}

// Reads an answer with a status of success.
template <typename T>
Result<T> read_answer(HttpResponse response) {
  if constexpr (std::is_void_v<T>) {
    return {};
  } else if constexpr (std::is_same_v<T, Binary>) {
    return Binary{std::move(response.content_type), std::move(response.body)};
  } else {
    const Result<Json> json = parse_json(response.body);
    if (!json) return json.error();
    return ResultReader<T>::read(*json);
  }
}

template <typename T>
void call_operation(Client& client, std::string_view name, Result<Json> params, Answered<T> done) {
  if (!params) {
    client.defer([done = std::move(done), why = params.error().message] {
      done(Error{ErrorKind::invalid_params, "a parameter is no JSON in UTF-8: " + why, {}});
    });
    return;
  }
  const Operation& operation = *find_operation(name);
  client.call(operation, *params, [&operation, done = std::move(done)](Result<HttpResponse> response) {
    if (!response) return done(response.error());
    if (!response->succeeded()) return done(response_error(*response, operation.method, operation.path));
    done(read_answer<T>(std::move(*response)));
  });
}

}  // namespace aribus::ari
