// A command of a program, or a request of the client itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "json/json.h"

namespace aribus::client {

struct Call {
  // `params` is a JSON object as text; `has_key`: it contains an idempotency key.
  Call(std::string method, std::string params, bool has_key = false, bool internal = false)
      : method(std::move(method)), params(std::move(params)), internal(internal) {
    changes_subscription = this->method == "subscribe" || this->method == "unsubscribe";
    repeatable = changes_subscription || has_key;
  }

  std::string method;
  std::string params;
  bool internal;
  bool changes_subscription;
  // A key makes repeats safe, and repeating a subscription changes nothing.
  bool repeatable;
  uint64_t id = 0;
  size_t line = 0;                        // its line's number on this connection; 0: not sent on it
  std::optional<std::string> sent_to{};   // the run of the daemon that got it
  std::optional<Result<Json>> outcome{};  // once it has ended
};
using CallPtr = std::shared_ptr<Call>;

}  // namespace aribus::client
