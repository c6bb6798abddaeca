#include "cli/arguments.h"

#include <algorithm>

#include "cli/output.h"

namespace aribus::cli {
namespace {

using client::Connection;
using std::chrono::milliseconds;

// The socket accepts but nobody answers: systemd holds it for a daemon that does not start, or aribusd hangs.
Error silent(const std::string& socket, milliseconds timeout) {
  return Error{ErrorKind::not_connected,
               socket + ": aribusd does not answer within " + std::to_string(timeout.count() / 1000) +
                   " s. 'systemctl status aribusd' says whether it runs, 'journalctl -u aribusd' why not, "
                   "'aribus doctor' what is wrong",
               {}};
}

}  // namespace

bool Arguments::has(std::string_view option) const {
  return std::ranges::any_of(options, [&](const auto& given) { return given.first == option; });
}

std::string Arguments::value(std::string_view option) const {
  const std::vector<std::string> all = values(option);
  return all.empty() ? "" : all.back();
}

std::vector<std::string> Arguments::values(std::string_view option) const {
  std::vector<std::string> found;
  for (const auto& [name, value] : options) {
    if (name == option) found.push_back(value);
  }
  return found;
}

bool Arguments::for_people() const {
  return !has("json") && (has("text") || out().is_terminal());
}

Result<Connection> Arguments::connect(size_t max_bytes, milliseconds hello_within) const {
  Result<Connection> client = Connection::connect(socket, {.max_line_bytes = max_bytes});
  if (!client) return client;
  const Result<Json> hello = client->call("hello", "{}", hello_within);
  const JsonValue* limits = hello ? find(*hello, "limits") : nullptr;
  const JsonValue* most = limits == nullptr ? nullptr : find(*limits, "request_bytes");
  if (most != nullptr && most->IsUint64() && most->GetUint64() > 0) client->limit_requests(most->GetUint64());
  if (hello || (client->is_open() && hello.error().kind != ErrorKind::outcome_unknown)) return client;
  if (client->is_open()) return silent(socket, hello_within);
  return hello.error();
}

Result<client::Client> Arguments::stay_connected() const {
  Result<client::Client> client = client::Client::connect(
      {.path = socket, .max_line_bytes = max_line_bytes, .greeting_timeout = hello_timeout});
  if (!client && client.error().message == client::silent_daemon) return silent(socket, hello_timeout);
  return client;
}

}  // namespace aribus::cli
