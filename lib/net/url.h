// URLs and their parts.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace aribus {

// Where an Asterisk's HTTP server is.
struct Url {
  bool tls = false;
  std::string host;  // a name or an address; IPv6 without its brackets
  int port = 0;
  std::string prefix;  // http.conf's `prefix`, as "/asterisk", or ""

  // "http://host:port/prefix".
  [[nodiscard]] std::string text() const;
  // "host:port", as in HTTP's Host header.
  [[nodiscard]] std::string authority() const;
};

// Reads "http://host[:port][/prefix]" or "https://…" (ws and wss mean the same). The port is 8088 when left
// out, 8089 with TLS, as in Asterisk's http.conf. A trailing "/ari" is taken off. Errors: invalid_params;
// credentials in the URL are an error, as URLs end up in logs.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

// `text` with everything but RFC 3986's unreserved characters percent-encoded, so that it is safe as one
// segment of a path and as a name or value in a query. (Asterisk reads a raw "+" in a query as a space, hence
// "%2B".)
[[nodiscard]] std::string percent_encode(std::string_view text);
// The inverse. Text that is no escape is unchanged.
[[nodiscard]] std::string percent_decode(std::string_view text);

// "name=value&name=value", encoded; "" for an empty list.
[[nodiscard]] std::string query_string(const std::vector<std::pair<std::string, std::string>>& parameters);

}  // namespace aribus
