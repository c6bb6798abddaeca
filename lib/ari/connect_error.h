// Why a connection to an Asterisk fails.
#pragma once

#include <string>
#include <string_view>

#include "ari/reconnect.h"
#include "base/result.h"

namespace aribus::ari {

// Cause and cure, in sentences of which the last has no full stop; and what that means for the next attempt.
struct ConnectError {
  std::string reason;
  FailureCause cause = FailureCause::no_connection;
};

// A failed attempt.
struct Attempt {
  enum class Step { info, events };  // GET /ari/asterisk/info; the WebSocket's handshake

  Step step = Step::info;
  std::string at;        // the URL of Asterisk's HTTP server
  std::string username;  // of ari.conf
  std::string apps;      // the applications to hold, "a,b"
};

// Asterisk's HTTP server answered with an unexpected `status` and `body`.
[[nodiscard]] ConnectError connect_error_of_answer(const Attempt& attempt, int status, std::string_view body);

// There was no answer: an error of Http::send().
[[nodiscard]] ConnectError connect_error_of(const Attempt& attempt, const Error& error);

}  // namespace aribus::ari
