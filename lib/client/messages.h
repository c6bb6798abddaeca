// Messages of both directions: requests, checked before anything is sent, and answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "json/json.h"

namespace aribus::client {

// The daemon's limit of a line, unless `limits` in its answer to `hello` says otherwise.
inline constexpr size_t default_request_bytes = size_t{1} << 20;

// A unique id for a new object: "aribus-" and 16 hexadecimal digits. For programs that must know it before
// the first record about the object: they pass it as `channelId`, `bridgeId`, `playbackId` or `snoopId` of
// the command.
[[nodiscard]] std::string new_id();

// The parameter of `method` for the id of the object that it creates; "" for methods without one.
[[nodiscard]] std::string_view chosen_id(std::string_view method);

// One request, without the line's end. `params` is JSON as text.
// Errors: invalid_params, with cause and cure, for values that JSON, UTF-8 or the daemon does not allow; then
// nothing may be sent.
[[nodiscard]] Result<std::string> request_line(uint64_t id, std::string_view method, std::string_view params,
                                               size_t max_bytes = default_request_bytes);

// The error for parameters, or a request with them, in which parse_json() found `error`.
[[nodiscard]] Error unreadable(std::string_view text, const Error& error);

// The error in the member `error` of an answer.
[[nodiscard]] Error error_of(const JsonValue& error);

// The result in the answer `message`.
// Errors: the daemon's; malformed when it is no answer.
[[nodiscard]] Result<Json> result_of(Json message);

// Moves the member `name` out of `message`. Required: it has one.
[[nodiscard]] Json taken_from(Json message, const char* name);

// An error without an id may be about a line that the daemon could not read.
struct StrayError {
  const JsonValue* error;
  size_t line = 0;             // the line's number, from 1; 0: the daemon does not say
  bool is_unreadable = false;  // its code says that a line could not be read
};
[[nodiscard]] StrayError read_stray(const JsonValue& error);

}  // namespace aribus::client
