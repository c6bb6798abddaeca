// Commands as they come by NATS, and as they go on to the daemon. No input or output.
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
  Json params;  // an object, unless the program gave something else
};

// Reads a request. Where it can be found in the text, `id` becomes the request's, also of one that is
// refused: the answer needs it. Errors: malformed, invalid_request, unknown_method (`subscribe`,
// `unsubscribe`).
[[nodiscard]] Result<Request> read_request(std::string_view text, std::string& id);

// Whether it may be for any PBX. Errors: invalid_params, for a `key` and for a `server`.
[[nodiscard]] Result<void> check_for_any(const Request& request);

// Puts the rule, as a token, in front of the request's `key`: all rules of the bridge are one Unix user to
// the daemon, where keys are a user's, and a rule must not get what another one was answered. Errors:
// invalid_params, for a key that gets too long.
[[nodiscard]] Result<void> keep_key_apart(Request& request, std::string_view rule);

// What became of a request.
enum class Outcome {
  done,      // a result
  failed,    // any other error
  not_sent,  // -32001
  unknown,   // -32002
};

// The daemon's answer to a request that has a number as its id.
struct Answer {
  uint64_t number = 0;
  std::string_view rest;  // of the line, behind the id
  Outcome outcome = Outcome::done;
};
// Nothing when the line is none, as an error without an id.
[[nodiscard]] std::optional<Answer> read_answer(std::string_view line);

// The answer with the program's own id.
[[nodiscard]] std::string answer_text(std::string_view id, const Answer& answer);

// Its outcome.
[[nodiscard]] Outcome outcome_of(const Error& error);

// In place of an answer that NATS does not take. `limit` is its max_payload; both in bytes.
[[nodiscard]] Error too_long(size_t bytes, size_t limit);

}  // namespace aribus::nats
