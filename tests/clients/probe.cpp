// As probe.py, with the C++ client.
#include <iostream>
#include <map>

#include "client/client.h"

namespace {

using aribus::Error;
using aribus::ErrorKind;
using aribus::Json;
using aribus::JsonValue;
using aribus::Result;

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
    case ErrorKind::not_owner:
      return "NotOwner";
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

const JsonValue& params_in(const JsonValue& ask, const JsonValue& none) {
  for (const JsonValue& one : ask.GetArray()) {
    if (one.IsObject()) return one;
  }
  return none;
}

std::string nested(size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}
std::string zeros(size_t count) {
  std::string list = "[0";
  for (size_t i = 1; i < count; ++i) list += ",0";
  return list + "]";
}
std::string in_a(const std::string& value) {
  return R"({"a":)" + value + "}";
}
// Of a request with an id of one digit that has so many bytes.
std::string long_text(size_t size) {
  const std::string rest = R"({"jsonrpc":"2.0","id":1,"method":"anything","params":{"a":""}})";
  return in_a("\"" + std::string(size - rest.size(), 'x') + "\"");
}

std::string wrong(const std::string& kind) {
  const std::map<std::string, std::string> kinds{{"text", in_a(R"({"b":")"
                                                               "M\xFC"
                                                               R"(ller"})")},
                                                 {"name", "{\"M\xFCller\":1}"},
                                                 {"half", in_a(R"("M\udcfcller")")},
                                                 {"number", in_a("NaN")},
                                                 {"infinite", in_a("1e999")},
                                                 {"integer", in_a("1" + std::string(308, '0'))},
                                                 {"deep", in_a(nested(63))},
                                                 {"many", in_a(zeros(16374))},
                                                 {"long", long_text((1 << 20) + 1)},
                                                 {"list", zeros(10)}};
  return kinds.at(kind);
}
std::string right(const std::string& kind) {
  const std::map<std::string, std::string> kinds{{"integer", in_a(std::string(308, '9'))},
                                                 {"deep", in_a(nested(62))},
                                                 {"many", in_a(zeros(16373))},
                                                 {"long", long_text(1 << 20)}};
  return kinds.at(kind);
}
constexpr const char* kinds =
    R"([["text","name","half","number","infinite","integer","deep","many","long","list"],)"
    R"(["integer","deep","many","long"]])";

void tell(const Result<Json>& answer) {
  answer ? void(std::cout << aribus::to_text(*answer) << std::endl) : tell(answer.error());
}

// At most so many items, each with the cursor behind it, until none comes in time.
void take(aribus::client::Client& client, size_t most, std::chrono::milliseconds timeout) {
  std::string items;
  for (size_t i = 0; i < most; ++i) {
    const auto item = client.next(timeout);
    if (item && !*item) break;
    items += items.empty() ? "[" : ",[";
    items += item ? aribus::to_text((*item)->fields) : R"({"error":"Refused"})";
    items += ",\"" + client.cursor() + "\"]";
  }
  std::cout << "[" << items << "]" << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  const std::chrono::duration<double> wait(argc > 1 ? std::stod(argv[1]) : 0.0);
  auto client =
      aribus::client::Client::connect({.wait = std::chrono::duration_cast<std::chrono::milliseconds>(wait),
                                       .max_line_bytes = 8 << 20,
                                       .greeting_timeout = std::chrono::milliseconds(500)});
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
    const JsonValue& params = params_in(ask, none);
    if (what == "call") {
      // The key goes its own way here.
      Json others = aribus::copy_of(params);
      aribus::client::CallOptions options;
      options.key = aribus::find_string(params, "key");
      others.RemoveMember("key");
      if (ask[ask.Size() - 1].IsInt())
        options.timeout = std::chrono::milliseconds(ask[ask.Size() - 1].GetInt());
      tell(client->call(aribus::as_view(ask[1]), aribus::to_text(others), options));
    } else if (what == "wrong") {
      tell(client->call("anything", wrong(std::string(aribus::as_view(ask[1])))));
    } else if (what == "right") {
      tell(client->call("anything", right(std::string(aribus::as_view(ask[1])))));
    } else if (what == "take") {
      take(*client, ask[1].GetUint(), std::chrono::milliseconds(ask[2].GetInt()));
    } else if (what == "kinds") {
      std::cout << kinds << std::endl;
    } else if (what == "hello") {
      std::cout << aribus::to_text(client->hello()) << std::endl;
    } else if (what == "subscribe") {
      const JsonValue* snapshot = aribus::find(params, "snapshot");
      const auto done = client->subscribe({.types = strings(params, "types"),
                                           .since = std::string(aribus::find_string(params, "since")),
                                           .snapshot = snapshot != nullptr && snapshot->IsTrue()});
      done ? void(std::cout << "null" << std::endl) : tell(done.error());
    } else if (what == "next") {
      const std::chrono::milliseconds timeout(ask.Size() > 1 ? ask[1].GetInt() : 60'000);
      const auto item = client->next(timeout);
      if (!item) {
        tell(item.error());
      } else {
        std::cout << (*item ? aribus::to_text((*item)->fields) : "null") << std::endl;
      }
    } else {
      std::cout << '"' << client->cursor() << '"' << std::endl;
    }
  }
  return 0;
}
