// As probe.py, with the C++ client.
#include <iostream>

#include "client/client.h"

namespace {

using aribus::Error;
using aribus::ErrorKind;
using aribus::Json;
using aribus::JsonValue;

const char* name_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::not_connected:
      return "NotConnected";
    case ErrorKind::outcome_unknown:
      return "OutcomeUnknown";
    case ErrorKind::refused:
      return "Refused";
    case ErrorKind::invalid_params:
      return "InvalidParams";
    case ErrorKind::not_allowed:
      return "NotAllowed";
    default:
      return "AribusError";
  }
}

void tell(const Error& error) {
  Json object(rapidjson::kObjectType);
  aribus::set_member(object, "error", name_of(error.kind));
  aribus::set_member(object, "message", error.message);
  std::cout << aribus::to_text(object) << std::endl;
}

std::vector<std::string> strings(const JsonValue& params, const char* name) {
  std::vector<std::string> list;
  if (const JsonValue* values = aribus::find(params, name)) {
    for (const JsonValue& value : values->GetArray()) list.emplace_back(aribus::as_view(value));
  }
  return list;
}

}  // namespace

int main() {
  auto client = aribus::client::Client::connect({.max_line_bytes = 8 << 20});
  if (!client) {
    tell(client.error());
    return 0;
  }
  std::cout << "null" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto parsed = aribus::parse_json(line);
    const Json& ask = *parsed;
    const std::string_view what = aribus::as_view(ask[0]);
    const Json none(rapidjson::kObjectType);
    const JsonValue& params = ask.Size() > 1 && ask[ask.Size() - 1].IsObject() ? ask[ask.Size() - 1] : none;
    if (what == "call") {
      // The key goes its own way here.
      Json others = aribus::copy_of(params);
      aribus::client::CallOptions options;
      options.key = aribus::find_string(params, "key");
      others.RemoveMember("key");
      const auto answer = client->call(aribus::as_view(ask[1]), aribus::to_text(others), options);
      answer ? void(std::cout << aribus::to_text(*answer) << std::endl) : tell(answer.error());
    } else if (what == "subscribe") {
      const JsonValue* snapshot = aribus::find(params, "snapshot");
      const auto done = client->subscribe({.types = strings(params, "types"),
                                           .since = std::string(aribus::find_string(params, "since")),
                                           .snapshot = snapshot != nullptr && snapshot->IsTrue()});
      done ? void(std::cout << "null" << std::endl) : tell(done.error());
    } else if (what == "next") {
      const auto item = client->next(std::chrono::minutes(1));
      item ? void(std::cout << aribus::to_text((*item)->fields) << std::endl) : tell(item.error());
    } else {
      std::cout << '"' << client->cursor() << '"' << std::endl;
    }
  }
  return 0;
}
