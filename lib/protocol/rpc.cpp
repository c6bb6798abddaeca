#include "protocol/rpc.h"

#include "protocol/rpc_code.h"

namespace aribus::rpc {
namespace {

const JsonValue null_params;

Error invalid(std::string message) {
  return Error{ErrorKind::invalid_request, std::move(message), {}};
}

// Larger numbers lose digits: their answers could not be matched with requests.
bool can_be_echoed(const JsonValue& id) {
  constexpr double exact_to = 9007199254740992;  // 2^53
  return id.IsString() || id.IsInt64() || id.IsUint64() ||
         (id.IsDouble() && id.GetDouble() > -exact_to && id.GetDouble() < exact_to);
}

constexpr std::string_view blanks = " \t\r\n";

// The position after the string whose first quote is at `at`; npos when it does not end.
size_t behind_text(std::string_view line, size_t at) {
  for (++at; at < line.size(); ++at) {
    if (line[at] == '\\') {
      ++at;
    } else if (line[at] == '"') {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

// The position of the value of the name that ends before `at`; npos when that is no name.
size_t value_behind(std::string_view line, size_t at) {
  const size_t colon = line.find_first_not_of(blanks, at);
  if (colon == std::string_view::npos || line[colon] != ':') return std::string_view::npos;
  return line.find_first_not_of(blanks, colon + 1);
}

// The value at `at`, a string or a number.
std::string_view value_at(std::string_view line, size_t at) {
  const size_t end = line[at] == '"' ? behind_text(line, at) : line.find_first_of(",}] \t\r\n", at);
  return end == std::string_view::npos ? std::string_view() : line.substr(at, end - at);
}

}  // namespace

std::string id_in(std::string_view line) {
  const size_t open = line.find_first_not_of(blanks);
  if (open == std::string_view::npos || line[open] != '{') return "null";
  size_t depth = 1;
  for (size_t at = open + 1; at < line.size() && depth > 0;) {
    if (line[at] != '"') {
      if (line[at] == '{' || line[at] == '[') ++depth;
      if (line[at] == '}' || line[at] == ']') --depth;
      ++at;
      continue;
    }
    const size_t end = behind_text(line, at);
    if (end == std::string_view::npos) break;
    const size_t value = value_behind(line, end);
    if (depth == 1 && line.substr(at, end - at) == R"("id")" && value != std::string_view::npos) {
      const Result<Json> id = parse_json(value_at(line, value));
      return id && can_be_echoed(*id) ? to_text(*id) : "null";
    }
    at = end;
  }
  return "null";
}

std::string notification_text(std::string_view method, std::string_view params) {
  std::string text = R"({"jsonrpc":"2.0","method":")";
  text += method;
  text += R"(","params":)";
  text += params;
  return text += "}";
}

std::string creating_text(std::string_view id, std::string_view parameter, std::string_view made) {
  return render([&](JsonWriter& writer) {
    writer.StartObject();
    write_member(writer, "jsonrpc", "2.0");
    write_member(writer, "method", "creating");
    write_key(writer, "params");
    writer.StartObject();
    write_key(writer, "request");
    write_raw(writer, id.empty() ? "null" : id);
    write_member(writer, parameter, made);
    writer.EndObject();
    writer.EndObject();
  });
}

std::string id_of(const JsonValue& value) {
  const JsonValue* id = find(value, "id");
  return id != nullptr && can_be_echoed(*id) ? to_text(*id) : "null";
}

Result<Request> read_request(const JsonValue& value) {
  if (!value.IsObject())
    return invalid("a request is an object, not a value of type " + std::string(type_name(value)));
  if (find_string(value, "jsonrpc") != "2.0") return invalid(R"(a request has "jsonrpc":"2.0")");
  const JsonValue* method = find(value, "method");
  if (method == nullptr || !method->IsString()) return invalid("a request has a `method`, which is a string");
  Request request;
  request.method = as_view(*method);
  if (const JsonValue* id = find(value, "id")) {
    if (!can_be_echoed(*id) && !id->IsNull())
      return invalid("an `id` is a string or a number of at most 64 bits");
    request.id = id->IsInt64() ? std::to_string(id->GetInt64()) : to_text(*id);
  }
  const JsonValue* params = find(value, "params");
  if (params != nullptr && !params->IsObject() && !params->IsArray() && !params->IsNull()) {
    return invalid("`params` is an object");
  }
  request.params = params == nullptr ? &null_params : params;
  return request;
}

std::string result_head(std::string_view id) {
  constexpr std::string_view head = R"({"jsonrpc":"2.0","id":)";
  constexpr std::string_view tail = R"(,"result":)";
  std::string text;
  text.reserve(head.size() + id.size() + tail.size());
  text.append(head).append(id).append(tail);
  return text;
}

std::string error_text(std::string_view id, const Error& error) {
  return render([&](JsonWriter& writer) {
    writer.StartObject();
    write_member(writer, "jsonrpc", "2.0");
    write_key(writer, "id");
    write_raw(writer, id);
    write_key(writer, "error");
    writer.StartObject();
    write_key(writer, "code");
    writer.Int(code_of(error.kind));
    write_member(writer, "message", error.message);
    if (!error.data.empty()) {
      write_key(writer, "data");
      write_raw(writer, error.data);
    }
    writer.EndObject();
    writer.EndObject();
  });
}

}  // namespace aribus::rpc
