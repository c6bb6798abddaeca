#include "control/access_level.h"

#include <algorithm>

#include "control/method.h"

namespace aribus::control {
namespace {

// One of the sources of applications.subscribe names all objects of a kind ("channel:") or all endpoints of a
// technology ("endpoint:PJSIP"): such events go to every program that shares the application.
bool subscribes_to_all(const Method& method, const JsonValue& params) {
  if (method.name != "applications.subscribe") return false;
  const JsonValue* sources = find(params, "eventSource");
  const auto names_all = [](const JsonValue& source) {
    if (!source.IsString()) return false;
    for (std::string_view rest = as_view(source); !rest.empty();) {
      const size_t end = std::min(rest.find(','), rest.size());
      const std::string_view one = rest.substr(0, end);
      const bool technology = one.starts_with("endpoint:") && one.find('/') == std::string_view::npos;
      if (one.ends_with(':') || technology) return true;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return false;
  };
  if (sources == nullptr) return false;
  if (!sources->IsArray()) return names_all(*sources);
  return std::ranges::any_of(sources->GetArray(), names_all);
}

}  // namespace

// "admin" are: of asterisk.* everything that changes something; its configuration objects, which contain
// passwords; and what takes events away from all programs that share an application. Of the rest, what reads
// is "read" and what acts is "control".
AccessLevel access_level_of(const ari::Operation& operation) {
  const bool reads = operation.method == "GET";
  if (operation.name == "asterisk.getObject" || operation.name == "applications.filter" ||
      operation.name == "applications.unsubscribe") {
    return AccessLevel::admin;
  }
  if (operation.name.starts_with("asterisk.") && !reads) return AccessLevel::admin;
  return reads ? AccessLevel::read : AccessLevel::control;
}

AccessLevel access_level_of(const Method& method, const JsonValue& params) {
  return subscribes_to_all(method, params) ? AccessLevel::admin : method.access_level;
}

}  // namespace aribus::control
