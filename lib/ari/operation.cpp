#include "ari/operation.h"

#include <algorithm>

namespace aribus::ari {
namespace {

Result<std::string> make_path(const Operation& operation, const JsonValue& params) {
  std::string path;
  std::string_view pattern = operation.path;
  while (!pattern.empty()) {
    const size_t open = pattern.find('{');
    path += pattern.substr(0, open);
    if (open == std::string_view::npos) break;
    const size_t close = pattern.find('}', open);
    const std::string_view name = pattern.substr(open + 1, close - open - 1);
    pattern.remove_prefix(close + 1);
    const std::string_view value = find_string(params, name);
    if (value.empty()) {
      return Error{
          ErrorKind::invalid_params, std::string(name) + ": a string that is not empty is expected", {}};
    }
    path += percent_encode(value);
  }
  return path;
}

// One of the values does: in a query Asterisk would cut it there. (It takes a body with every method; seen
// with DELETE on 22.10 and 16.28.)
bool has_comma(const JsonValue& value) {
  if (value.IsString()) return as_view(value).find(',') != std::string_view::npos;
  return value.IsArray() && std::ranges::any_of(value.GetArray(), has_comma);
}

}  // namespace

std::string query_value(const JsonValue& value) {
  if (value.IsString()) return std::string(as_view(value));
  if (!value.IsArray()) return to_text(value);
  std::string out;
  for (const JsonValue& item : value.GetArray()) {
    if (!out.empty()) out += ',';
    out += query_value(item);
  }
  return out;
}

Result<HttpRequest> make_request(const Operation& operation, const JsonValue& params,
                                 std::string_view prefix) {
  Result<std::string> path = make_path(operation, params);
  if (!path) return path.error();
  HttpRequest request;
  request.method = operation.method;
  request.target = std::string(prefix) + "/ari" + *path;

  std::vector<std::pair<std::string, std::string>> query;
  bool needs_body = request.method != "GET" && request.method != "DELETE";
  for (const Parameter& parameter : operation.parameters) {
    const JsonValue* value = find(params, parameter.name);
    if (value == nullptr || parameter.place == Place::path) continue;
    if (parameter.place == Place::whole_body) {
      request.body = to_text(*value);
      continue;
    }
    needs_body |= parameter.place == Place::body || (parameter.multiple && has_comma(*value));
    query.emplace_back(parameter.name, query_value(*value));
  }
  constexpr size_t around_target = sizeof " HTTP/1.1\r\n";
  const auto line_bytes = [&](const std::string& target) {
    return request.method.size() + target.size() + around_target;
  };
  if (line_bytes(request.target) > max_request_line_bytes) {
    return Error{ErrorKind::invalid_params,
                 "the ids in the path are longer than Asterisk's request line may be (" +
                     std::to_string(max_request_line_bytes) + " bytes)",
                 {}};
  }
  if (query.empty()) return request;
  const std::string with_query = request.target + "?" + query_string(query);
  if (!needs_body && line_bytes(with_query) <= max_request_line_bytes) {
    request.target = with_query;
    return request;
  }
  request.body = render([&](JsonWriter& writer) {
    writer.StartObject();
    for (const Parameter& parameter : operation.parameters) {
      const JsonValue* value = find(params, parameter.name);
      if (value == nullptr || parameter.place == Place::path) continue;
      write_key(writer, parameter.name);
      // A string alone is as good as an array of one to ARI, an object is not.
      const bool wrap = parameter.multiple && value->IsObject();
      if (wrap) writer.StartArray();
      value->Accept(writer);
      if (wrap) writer.EndArray();
    }
    writer.EndObject();
  });
  return request;
}

}  // namespace aribus::ari
