// Limits of sessions' memory and of their turns, and the error of who reaches them.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace aribus::session {

inline constexpr size_t fair_share_bytes = 256 * 1024;  // written for one session in one turn
// As many of answers: a snapshot can have many megabytes, and records of other sessions are not to wait for it.
inline constexpr size_t answers_share_bytes = 64 * 1024;
inline constexpr size_t copied_bytes = 16 * 1024;       // larger results are shared instead of copied
inline constexpr size_t small_bytes = 16 * 1024;  // what a connection may hold when its user holds too much
inline constexpr size_t all_users = 2;            // times max_user_bytes may be held for all users

[[nodiscard]] inline Error too_much(const std::string& message, size_t limit) {
  return Error{ErrorKind::too_much, message, R"({"limit":)" + std::to_string(limit) + "}"};
}

}  // namespace aribus::session
