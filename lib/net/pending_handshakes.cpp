#include "net/pending_handshakes.h"

#include <algorithm>
#include <tuple>

namespace aribus {

std::optional<size_t> who_makes_room(std::span<const HandshakeView> pending, Milliseconds now) {
  const auto rank = [&](const HandshakeView& handshake) {
    const auto of_address = std::ranges::count(pending, handshake.address, &HandshakeView::address);
    const bool has_time = now < handshake.since + handshake_grace;
    return std::tuple(handshake.kind == HandshakeState::right, -of_address, has_time, handshake.kind,
                      handshake.since);
  };
  const auto first = std::ranges::min_element(pending, {}, rank);
  if (first == pending.end() || first->kind == HandshakeState::right) return std::nullopt;
  return static_cast<size_t>(first - pending.begin());
}

}  // namespace aribus
