#include "nats/server_url.h"

#include <sstream>

#include "base/numbers.h"

namespace aribus::nats {

Result<ServerUrl> parse_server_url(std::string_view text) {
  const auto expected = [](const std::string& what) { return Error{ErrorKind::invalid_params, what, {}}; };
  if (text.find('@') != std::string_view::npos) {
    return expected(
        "a url without user and password is expected, because it is shown in the log; use username and "
        "password_file");
  }
  ServerUrl url;
  if (text.starts_with("tls://")) {
    url.tls = true;
    text.remove_prefix(6);
  } else if (text.starts_with("nats://")) {
    text.remove_prefix(7);
  } else {
    return expected("a url that begins with nats:// or tls:// is expected, such as nats://127.0.0.1:4222");
  }
  if (text.ends_with('/')) text.remove_suffix(1);
  const bool bracketed = text.starts_with('[');
  const size_t end = bracketed ? text.find(']') : text.find(':');
  url.host = text.substr(bracketed ? 1 : 0, bracketed ? end - 1 : end);
  if (url.host.empty() || (bracketed && end == std::string_view::npos) ||
      url.host.find_first_of("/ ?#,\"'[]") != std::string::npos) {
    return expected("a host is expected after nats:// or tls://, such as nats://127.0.0.1:4222");
  }
  if (end == std::string_view::npos) return url;
  text.remove_prefix(bracketed ? end + 1 : end);
  if (text.empty()) return url;
  url.port = whole_number<int>(text.substr(1)).value_or(0);
  if (text[0] != ':' || url.port < 1 || url.port > 65535) {
    return expected("a port from 1 to 65535 is expected after the host, and nothing after the port");
  }
  return url;
}

std::vector<ServerUrl> servers_of(const NatsOptions& options) {
  std::vector<ServerUrl> servers;
  std::istringstream list(options.url);
  for (std::string one; std::getline(list, one, ',');) {
    if (auto server = parse_server_url(one)) servers.push_back(std::move(*server));
  }
  return servers;
}

}  // namespace aribus::nats
