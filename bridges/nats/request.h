// Conversion of commands between NATS and the daemon. No input or output.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "json/json.h"

namespace aribus::nats {

// One request of a program.
struct Request {
  std::string method;
  Json params;          // an object, unless the program sent something else
  std::string id = {};  // as JSON text; "" if it has none
};

// Reads a request. Sets `id` to the request's id if the text has one, even on an error: the answer needs it.
// Errors: malformed, invalid_request, unknown_method (`subscribe`, `unsubscribe`).
[[nodiscard]] Result<Request> read_request(std::string_view text, std::string& id);
// The same for a request of a member of a worker group, which may subscribe.
[[nodiscard]] Result<Request> read_member_request(std::string_view text, std::string& id);

// Checks that any PBX may carry it out. Errors: invalid_params, for a `key` or a `server`.
[[nodiscard]] Result<void> check_for_any(const Request& request);

// Prefixes the request's `key` with the rule, as a token: the daemon keeps keys per Unix user, and all rules
// of the bridge process are one user, but a rule must not get the answer to another rule's command. Errors:
// invalid_params, for a key that becomes too long.
[[nodiscard]] Result<void> keep_key_apart(Request& request, std::string_view rule);

// The outcome of a request.
enum class Outcome {
  done,      // a result
  failed,    // any other error
  not_sent,  // -32001
  unknown,   // -32002
};

// The daemon's answer to a request that has a number as its id.
struct Answer {
  uint64_t number = 0;
  std::string_view rest;  // of the line, after the id
  Outcome outcome = Outcome::done;
};
// nullopt if the line is not one, for example an error without an id.
[[nodiscard]] std::optional<Answer> read_answer(std::string_view line);

// The answer with the program's own id.
[[nodiscard]] std::string answer_text(std::string_view id, const Answer& answer);

// The outcome that an error means.
[[nodiscard]] Outcome outcome_of(const Error& error);

// The error that replaces an answer larger than NATS allows. `limit` is its max_payload; both in bytes.
[[nodiscard]] Error too_long(size_t bytes, size_t limit);

}  // namespace aribus::nats
