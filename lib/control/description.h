// What the methods say of themselves, as an OpenRPC document (https://spec.open-rpc.org).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "control/method.h"
#include "json/described.h"

namespace aribus::control {

// An OpenRPC document, as far as its schema says more than "JSON".
struct OpenRpcDocument {
  std::string openrpc;  // its version
  JsonText<AnyObject> info;
  std::vector<JsonText<AnyObject>> methods;
  JsonText<AnyObject> components;
  static constexpr auto members = std::tuple(
      member("openrpc", &OpenRpcDocument::openrpc), member("info", &OpenRpcDocument::info),
      member("methods", &OpenRpcDocument::methods), member("components", &OpenRpcDocument::components));
};

// The OpenRPC 1.3 document about `methods`, as JSON; `version` is that of aribus. What goes beyond OpenRPC is
// in members `x-…`: facts of ARI (`x-ari`), and the operations that a verb is made of (`x-made-of`).
[[nodiscard]] OpenRpcDocument describe(const std::map<std::string, Method, std::less<>>& methods,
                                       std::string_view version);

}  // namespace aribus::control
