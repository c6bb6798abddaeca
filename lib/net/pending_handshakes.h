// Which of the open handshakes to drop for a new connection.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "net/loop.h"

namespace aribus {

// In the order in which they are dropped.
enum class HandshakeState : uint8_t {
  silent,    // has sent nothing
  refused,   // waits for its refusal, or has got it
  speaking,  // has sent a part of its request
  right,     // user and password are right: never dropped
};

struct HandshakeView {
  std::string_view address;
  Milliseconds since{0};  // when it connected
  HandshakeState kind = HandshakeState::silent;
};

// Time to send the request: a newer connection is dropped only when all others of its address are as new.
inline constexpr Milliseconds handshake_grace{50};

// The index of the one to drop, from the address with the most handshakes. Nothing: none may be dropped.
[[nodiscard]] std::optional<size_t> who_makes_room(std::span<const HandshakeView> pending, Milliseconds now);

}  // namespace aribus
