#include "cli/api_docs.h"

#include <algorithm>

#include "cli/methods.h"
#include "cli/terminal.h"

namespace aribus::cli {
namespace {

bool is_word(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
             std::string_view::npos;
}

// Asterisk's texts have line breaks of HTML.
std::string plain(std::string_view text) {
  std::string out(text);
  for (size_t at = 0; (at = out.find("<br />", at)) != std::string::npos;) out.replace(at, 6, " ");
  return out;
}

std::string scalar_text(const JsonValue& value) {
  return value.IsString() ? std::string(as_view(value)) : to_text(value);
}

// "text (required, in the path), one of a, b; default a"
std::string takes(const JsonValue& parameter) {
  const std::string_view type = find_string(parameter, "dataType");
  std::string out(type == "string"                  ? "text"
                  : type == "int" || type == "long" ? "whole number"
                  : type == "boolean"               ? "true or false"
                  : type == "double"                ? "number"
                                                    : "JSON");
  const JsonValue* required = find(parameter, "required");
  const std::string_view place = find_string(parameter, "paramType");
  const bool is_required = place == "path" || (required != nullptr && required->IsTrue());
  out += std::string(" (") + (is_required ? "required, " : "") + "in the " + std::string(place) + ")";
  if (const JsonValue* allowed = find(parameter, "allowableValues")) {
    std::string values;
    for (const JsonValue& value : list_of(*allowed, "values"))
      values += (values.empty() ? ", one of " : ", ") + scalar_text(value);
    out += values;
    if (const JsonValue* least = find(*allowed, "min")) out += ", at least " + scalar_text(*least);
    if (const JsonValue* most = find(*allowed, "max")) out += ", at most " + scalar_text(*most);
  }
  const JsonValue* standard = find(parameter, "defaultValue");
  if (standard != nullptr && !standard->IsNull()) out += ", default " + scalar_text(*standard);
  return out;
}

// The parameters of `operation` that go into `place`, as the value of an ari.request's parameter.
std::string example_of(const JsonValue& operation, std::string_view place) {
  std::string members;
  for (const JsonValue& parameter : list_of(operation, "parameters")) {
    if (find_string(parameter, "paramType") != place) continue;
    members += (members.empty() ? "" : ",") + ("\"" + std::string(find_string(parameter, "name")) + "\":…");
  }
  return members.empty() ? "" : " '" + std::string(place) + "={" + members + "}'";
}

}  // namespace

std::optional<OperationName> operation_name(std::string_view name) {
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos) return {};
  const OperationName parts{name.substr(0, dot), name.substr(dot + 1)};
  if (!is_word(parts.resource) || !is_word(parts.operation)) return {};
  return parts;
}

std::string api_docs_path(std::string_view resource) {
  return "/api-docs/" + std::string(resource) + ".json";
}

std::vector<std::string> declared_operations(const JsonValue& declared, std::string_view resource) {
  std::vector<std::string> names;
  for (const JsonValue& api : list_of(declared, "apis")) {
    for (const JsonValue& operation : list_of(api, "operations")) {
      names.push_back(std::string(resource) + "." + std::string(find_string(operation, "nickname")));
    }
  }
  return names;
}

std::vector<std::string> operation_help(const JsonValue& declared, const OperationName& name,
                                        size_t columns) {
  for (const JsonValue& api : list_of(declared, "apis")) {
    for (const JsonValue& operation : list_of(api, "operations")) {
      if (find_string(operation, "nickname") != name.operation) continue;
      const std::string method(find_string(operation, "httpMethod")), path(find_string(api, "path"));
      std::vector<std::string> out{std::string(name.resource) + "." + std::string(name.operation) + ": " +
                                   std::string(find_string(operation, "summary"))};
      for (std::string& line : wrapped(plain(find_string(operation, "notes")), columns, 2))
        out.push_back(std::move(line));
      out.push_back("  " + method + " " + path);
      out.emplace_back();
      size_t longest = 0;
      for (const JsonValue& parameter : list_of(operation, "parameters"))
        longest = std::max(longest, find_string(parameter, "name").size());
      for (const JsonValue& parameter : list_of(operation, "parameters")) {
        for (std::string& line : parameter_help(find_string(parameter, "name"), longest, takes(parameter),
                                                plain(find_string(parameter, "description")), columns))
          out.push_back(std::move(line));
      }
      out.emplace_back();
      out.emplace_back("This Asterisk says so itself; aribus has no method for it. It goes by:");
      out.push_back("  aribus call ari.request method=" + method + " path=" + path +
                    example_of(operation, "query") + example_of(operation, "body"));
      return out;
    }
  }
  return {};
}

}  // namespace aribus::cli
