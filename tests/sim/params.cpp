#include "params.h"

#include "text.h"

namespace aribus::sim {
namespace {

void read_query(const std::string& query, std::map<std::string, std::string>& into) {
  for (const auto& pair : split(query, '&')) {
    const auto equals = pair.find('=');
    const auto value = equals == std::string::npos ? "" : pair.substr(equals + 1);
    into[url_decoded(pair.substr(0, equals), true)] = url_decoded(value, true);
  }
}

}  // namespace

bool Params::read(const HttpRequest& request) {
  read_query(request.query(), query_);
  const auto type =
      trimmed(request.header("content-type").substr(0, request.header("content-type").find(';')));
  if (equal_ignoring_case(type, "application/x-www-form-urlencoded")) read_query(request.body, query_);
  if (!equal_ignoring_case(type, "application/json") || request.body.empty()) return true;
  body_.Parse(request.body.data(), request.body.size());
  return !body_.HasParseError() && (body_.IsObject() || body_.IsArray());
}

const rapidjson::Value* Params::member(const char* name) const {
  if (!body_.IsObject()) return nullptr;
  const auto found = body_.FindMember(name);
  return found == body_.MemberEnd() ? nullptr : &found->value;
}

bool Params::has(const char* name) const {
  return member(name) != nullptr || query_.count(name) > 0;
}

std::string Params::text(const char* name) const {
  if (const auto* value = member(name)) return value->IsString() ? value->GetString() : "";
  const auto found = query_.find(name);
  return found == query_.end() ? "" : found->second;
}

int Params::number(const char* name, int otherwise) const {
  if (const auto* value = member(name)) return value->IsInt() ? value->GetInt() : 0;
  const auto found = query_.find(name);
  return found == query_.end() ? otherwise : leading_number(found->second);
}

bool Params::flag(const char* name) const {
  if (const auto* value = member(name)) return value->IsTrue();
  return is_true(text(name));
}

std::vector<std::string> Params::list(const char* name) const {
  const auto* value = member(name);
  if (value == nullptr) return split(text(name), ',');
  if (value->IsString()) return {value->GetString()};
  std::vector<std::string> out;
  if (value->IsArray()) {
    for (const auto& item : value->GetArray()) out.emplace_back(item.IsString() ? item.GetString() : "");
  }
  return out;
}

}  // namespace aribus::sim
