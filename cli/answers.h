// Checks answers of the daemon before they are used: any program could listen on the socket.
#pragma once

#include <initializer_list>
#include <string_view>

#include "json/json.h"

namespace aribus::cli {

enum class Type { string, number, boolean, object, strings, objects };  // the last two: lists of them

struct Member {
  std::string_view name;
  Type type;
  bool required = false;
};

// Checks that `answer` is an object, and that its members of these names, as far as they are there, have
// these types. `what` is named in the error. Errors: malformed.
[[nodiscard]] Result<void> expect(std::string_view what, const JsonValue& answer,
                                  std::initializer_list<Member> members);

// The result of `status`, of `subscribe`, of `daemon.clients`, of `group.list`, of `daemon.reload` and of
// `rpc.discover`, as far as the tool reads them. Errors: malformed.
[[nodiscard]] Result<void> check_status(const JsonValue& answer);
[[nodiscard]] Result<void> check_subscribed(const JsonValue& answer);
[[nodiscard]] Result<void> check_clients(const JsonValue& answer);
[[nodiscard]] Result<void> check_groups(const JsonValue& answer);
[[nodiscard]] Result<void> check_reloaded(const JsonValue& answer);
[[nodiscard]] Result<void> check_description(const JsonValue& answer);

}  // namespace aribus::cli
