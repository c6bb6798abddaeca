#include "ari/guest_room.h"

#include <algorithm>
#include <tuple>

namespace aribus::ari {

std::optional<size_t> who_makes_room(std::span<const GuestView> guests, Milliseconds now) {
  const auto rank = [&](const GuestView& guest) {
    const auto of_address = std::ranges::count(guests, guest.address, &GuestView::address);
    const bool has_time = now < guest.since + guest_grace;
    return std::tuple(guest.kind == GuestKind::right, -of_address, has_time, guest.kind, guest.since);
  };
  const auto first = std::ranges::min_element(guests, {}, rank);
  if (first == guests.end() || first->kind == GuestKind::right) return std::nullopt;
  return static_cast<size_t>(first - guests.begin());
}

}  // namespace aribus::ari
