// The OpenRPC document (https://spec.open-rpc.org) that describes all methods.
#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "control/method_table.h"
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

// The OpenRPC 1.3 document about `methods`, `version` is that of aribus. Members beyond OpenRPC:
// `x-access` (access level), `x-ari` (facts of ARI), `x-made-of` (the operations that a verb calls).
[[nodiscard]] OpenRpcDocument describe(const MethodTable& methods, std::string_view version);

}  // namespace aribus::control
