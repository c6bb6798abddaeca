// What a subscription gives.
#pragma once

#include <string>

#include "ari/generated/events.h"
#include "ari/result_reader.h"
#include "json/json.h"

namespace aribus::client {

// A record, or one of the client's own, by its type:
//   subscribed    it came into force, for the first time or again: what the daemon answered (cursor, resumed,
//                 reason, warnings, snapshot). When `resumed` is false, records are missing; `warnings` names
//                 what can't match anything, as a misspelt type
//   lost          from, to, records: this program was too slow for them
//   disconnected  reason: there is no connection; it is made again
struct Item {
  std::string type;
  Json fields;

  // The record as ARI's event, `fields` otherwise. Required for as(): T is one of ari/events.h.
  // Errors: malformed, saying where and why it is not what Asterisk declares.
  template <typename T>
  [[nodiscard]] Result<T> as() const {
    return ari::from_json<T>(as_asterisk_sent_it());
  }
  [[nodiscard]] Result<ari::AnyEvent> event() const;

 private:
  [[nodiscard]] Json as_asterisk_sent_it() const;
};

}  // namespace aribus::client
