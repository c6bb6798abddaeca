#include "net/guesses.h"

#include <algorithm>

#include "net/numeric_address.h"

namespace aribus {
namespace {

// A host with one IPv6 address has all addresses of its /64 network: they count as one.
std::string source_of(const std::string& address) {
  size_t end = 0;
  for (int groups = 0; groups < 4; ++groups) {
    const size_t colon = address.find(':', end);
    if (colon == std::string::npos) return address;  // IPv4
    if (address.compare(colon, 2, "::") == 0) return address.substr(0, colon) + "::";
    end = colon + 1;
  }
  return address.substr(0, end) + ":";
}

}  // namespace

bool Guesses::may_try(const std::string& address, Milliseconds now) const {
  if (is_loopback(address)) return true;
  const auto at = by_address_.find(source_of(address));
  return at == by_address_.end() || now >= at->second.last + at->second.pause;
}

Milliseconds Guesses::wrong(const std::string& address, Milliseconds now) {
  ++total_;
  const std::string key = source_of(address);
  if (!by_address_.contains(key) && by_address_.size() >= max_addresses) make_room();
  Source& source = by_address_[key];
  if (now >= source.last + forget_after) source = {};
  source.last = now;
  if (++source.wrong > free_guesses) {
    source.pause = std::clamp(source.pause * 2, first_pause, max_pause);
  }
  return source.pause;
}

void Guesses::make_room() {
  by_address_.erase(
      std::ranges::min_element(by_address_, {}, [](const auto& entry) { return entry.second.last; }));
}

}  // namespace aribus
