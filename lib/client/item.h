// What a subscription delivers.
#pragma once

#include <string>

#include "ari/generated/events.h"
#include "ari/result_reader.h"
#include "json/json.h"

namespace aribus::client {

// A record, or an item of the client itself, by its type:
// - subscribed: the subscription is in force, for the first time or again. The daemon's answer: cursor,
//   resumed, reason, warnings, snapshot. If `resumed` is false, records are missing; `warnings` names values
//   that can't match anything, such as a misspelt type.
// - lost (from, to, records): this program was too slow for them.
// - assigned, released, left: about calls of a member of a group; docs/groups.md.
// - disconnected (reason): there is no connection; the client reconnects.
struct Item {
  std::string type;
  Json fields;

  // The record as an event of ARI. Required: T is a type of ari/generated/events.h.
  // Errors: malformed, with the place and reason when the record is not as Asterisk declares it.
  template <typename T>
  [[nodiscard]] Result<T> as() const {
    return ari::from_json<T>(as_asterisk_sent_it());
  }
  [[nodiscard]] Result<ari::AnyEvent> event() const;

 private:
  [[nodiscard]] Json as_asterisk_sent_it() const;
};

}  // namespace aribus::client
