// For whom a request is sent: connections are shared fairly among requesters.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/result.h"

namespace aribus {

struct Requester {
  // Asked again just before each request is sent, however long it has waited; an error is then the answer. It
  // changes nothing.
  using Check = std::function<Result<void>()>;

  static constexpr uint64_t daemon = UINT64_MAX;

  uint64_t user = daemon;   // requests of one user share
  uint64_t connection = 0;  // of that user: its connections are served in turns
  bool admin = true;        // may use the connection kept for admin
  std::shared_ptr<const Check> check = {};  // nothing: it may always be sent

  bool operator==(const Requester&) const = default;
};

}  // namespace aribus
