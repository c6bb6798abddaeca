// What an Asterisk itself declares about its operations (below /ari/api-docs, in Swagger 1.1): for those of
// newer Asterisks that aribus has no method for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"

namespace aribus::cli {

// The parts of "channels.originate". Nothing when `name` is none: a resource and an operation, both words.
struct OperationName {
  std::string_view resource;
  std::string_view operation;
};
[[nodiscard]] std::optional<OperationName> operation_name(std::string_view name);

// The path of a resource's declarations, for ari.request: "/api-docs/channels.json".
[[nodiscard]] std::string api_docs_path(std::string_view resource);

// The operations that `declared`, the declarations of `resource`, has: "channels.originate", …
[[nodiscard]] std::vector<std::string> declared_operations(const JsonValue& declared,
                                                           std::string_view resource);

// An operation's help for people, in lines of `columns` characters, with the ari.request that carries it out;
// empty when `declared` has none of that name. `declared` may be anything.
[[nodiscard]] std::vector<std::string> operation_help(const JsonValue& declared, const OperationName& name,
                                                      size_t columns);

}  // namespace aribus::cli
