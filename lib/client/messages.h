// The messages of both directions: requests, checked before anything is sent, and what comes back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "json/json.h"

namespace aribus::client {

// What the daemon takes in one line, unless `limits` in its hello says otherwise.
inline constexpr size_t default_request_bytes = size_t{1} << 20;

// An id for something that a command is to make, which nobody else has: "aribus-" and 16 hexadecimal digits.
// For programs that are to know it before the first record about it: they give it as the command's
// `channelId`, `bridgeId`, `playbackId` or `snoopId`.
[[nodiscard]] std::string new_id();

// The parameter for the id that `method` needs and takes from its caller when there is one; "" for others.
[[nodiscard]] std::string_view chosen_id(std::string_view method);

// One request, without the line's end. `params` is JSON as text.
// Errors: invalid_params, with cause and cure, for what JSON, UTF-8 or the daemon can't take; nothing is to
// be sent.
[[nodiscard]] Result<std::string> request_line(uint64_t id, std::string_view method, std::string_view params,
                                               size_t max_bytes = default_request_bytes);

// For parameters, or a request of them, in which parse_json() found that error.
[[nodiscard]] Error unreadable(std::string_view text, const Error& error);

// The error that the `error` of an answer tells.
[[nodiscard]] Error error_of(const JsonValue& error);

// What the answer `message` gives to who waits for it.
// Errors: the daemon's; malformed when it is no answer.
[[nodiscard]] Result<Json> result_of(Json message);

// The member `name` of `message`, which has it, without a copy.
[[nodiscard]] Json taken_from(Json message, const char* name);

// An error without an id may be about a line that the daemon could not read.
struct StrayError {
  const JsonValue* error;
  size_t line = 0;             // the line's number, from 1; 0: the daemon does not say
  bool is_unreadable = false;  // by its code, that is what it is about
};
[[nodiscard]] StrayError read_stray(const JsonValue& error);

}  // namespace aribus::client
