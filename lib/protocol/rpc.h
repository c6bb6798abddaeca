// JSON-RPC 2.0 (https://www.jsonrpc.org/specification) as the daemon and aribus-nats speak it: reads
// requests, writes answers and notifications.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "json/json.h"

namespace aribus::rpc {

// One request. Its parts live as long as the JSON it was read from.
struct Request {
  std::string id;  // as JSON text; "" for a notification, which gets no answer
  std::string method;
  const JsonValue* params = nullptr;  // an object, an array or null
};

// Reads one request.
// Errors: invalid_request, saying what is wrong.
[[nodiscard]] Result<Request> read_request(const JsonValue& value);

// The id of a value that need not be a valid request, as JSON text; "null" when it has no usable id.
[[nodiscard]] std::string id_of(const JsonValue& value);

// The id of a request that is no valid JSON, or of which only the beginning is there, as JSON text; "null"
// when there is none. Only members of the request itself count, not those of values in it.
[[nodiscard]] std::string id_in(std::string_view line);

// What surrounds the record in a notification `event`, with the line's end.
inline constexpr std::string_view event_head = R"({"jsonrpc":"2.0","method":"event","params":)";
inline constexpr std::string_view event_tail = "}\n";

// The notification `method` with `params`, a JSON text. Without the line's end.
[[nodiscard]] std::string notification_text(std::string_view method, std::string_view params);

// The notification that the request `id` ("": it has none) is about to create an object whose id `made` its
// parameter `parameter` gives. Without the line's end.
[[nodiscard]] std::string creating_text(std::string_view id, std::string_view parameter,
                                        std::string_view made);

// One answer without the line's end; `id` is JSON text. A result goes between result_head() and result_tail.
[[nodiscard]] std::string result_head(std::string_view id);
inline constexpr std::string_view result_tail = "}";
[[nodiscard]] std::string error_text(std::string_view id, const Error& error);

}  // namespace aribus::rpc
