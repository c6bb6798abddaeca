// For whom a request is sent: connections are shared fairly among requesters.
#pragma once

#include <cstdint>

namespace aribus {

struct Requester {
  static constexpr uint64_t daemon = UINT64_MAX;

  uint64_t user = daemon;   // requests of one user share
  uint64_t connection = 0;  // of that user: its connections are served in turns
  bool admin = true;        // may use the connection kept for admin

  bool operator==(const Requester&) const = default;
};

}  // namespace aribus
