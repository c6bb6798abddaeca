// Parts of a message of libnats, valid as long as the message.
#pragma once

#include <string_view>

#include <nats/nats.h>

namespace aribus::nats {

[[nodiscard]] inline std::string_view data_of(natsMsg* message) {
  return {natsMsg_GetData(message), static_cast<size_t>(natsMsg_GetDataLength(message))};
}

// "" if there is no such header.
[[nodiscard]] inline std::string_view header_of(natsMsg* message, const char* name) {
  const char* text = nullptr;
  return natsMsgHeader_Get(message, name, &text) == NATS_OK && text != nullptr ? text : "";
}

}  // namespace aribus::nats
