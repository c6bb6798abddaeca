// Requests to the daemon.
#pragma once

#include <chrono>
#include <string_view>

#include "base/result.h"
#include "client/connection.h"
#include "json/json.h"

namespace aribus::cli {

// How long the daemon may take for an answer of its own, and for a command: Asterisk's own time limit and
// what the daemon waits for are shorter.
inline constexpr std::chrono::milliseconds own_answer_timeout{15'000};
inline constexpr std::chrono::milliseconds command_timeout{60'000};

// Calls a method. Unlike in client::Connection::call(), the outcome of a request without an answer is
// unknown, unless the daemon has said why it closes the connection.
[[nodiscard]] Result<Json> call_over(client::Connection& client, std::string_view method,
                                     std::string_view params = "{}",
                                     std::chrono::milliseconds timeout = own_answer_timeout);
// Likewise a method that changes nothing: without an answer the error is not_connected.
[[nodiscard]] Result<Json> look_over(client::Connection& client, std::string_view method,
                                     std::string_view params = "{}");
// Likewise `subscribe`; checks its answer.
[[nodiscard]] Result<Json> subscribe(client::Connection& client, std::string_view params);

}  // namespace aribus::cli
