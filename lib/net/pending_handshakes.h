// Who of those that connected, and were not let in yet, makes room for the next.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "net/loop.h"

namespace aribus {

// The ones that make room first come first.
enum class HandshakeState : uint8_t {
  silent,    // has sent nothing
  refused,   // waits for its refusal, or has it
  speaking,  // has sent a part of its request
  right,     // user and password are right: never makes room
};

struct HandshakeView {
  std::string_view address;
  Milliseconds since{0};  // when it connected
  HandshakeState kind = HandshakeState::silent;
};

// Time to send the request: who connected less long ago makes room only when all of its address did.
inline constexpr Milliseconds handshake_grace{50};

// The index of the one to go: of the address that has the most of them. Nothing: none may be sent away.
[[nodiscard]] std::optional<size_t> who_makes_room(std::span<const HandshakeView> pending, Milliseconds now);

}  // namespace aribus
