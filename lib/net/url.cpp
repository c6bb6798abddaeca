#include "net/url.h"

#include <algorithm>
#include <charconv>

#include "base/numbers.h"

namespace aribus {
namespace {

bool unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

// The error does not repeat the URL: it may contain a password.
Error bad_url(std::string_view why) {
  return Error{ErrorKind::invalid_params, "url: " + std::string(why) + " (expected http://host:8088)", {}};
}

// The characters of hosts and of http.conf's prefix that are accepted, without those that begin credentials.
bool is_plain(std::string_view text, std::string_view more) {
  return std::ranges::all_of(text, [&](char c) {
    return unreserved(c) || more.find(c) != std::string_view::npos || (c & 0x80) != 0;
  });
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

std::string Url::authority() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Url::text() const {
  return (tls ? "https://" : "http://") + authority() + prefix;
}

Result<Url> parse_url(std::string_view text) {
  if (text.find('@') != std::string_view::npos) {
    return Error{ErrorKind::invalid_params,
                 "url: user and password have keys of their own and don't belong in it",
                 {}};
  }
  if (text.find_first_of("?# ") != std::string_view::npos) return bad_url("it has more than host and path");
  Url url;
  std::string_view rest = text;
  if (take_prefix(rest, "https://") || take_prefix(rest, "wss://")) {
    url.tls = true;
  } else if (!take_prefix(rest, "http://") && !take_prefix(rest, "ws://")) {
    return bad_url("it does not begin with http:// or https://");
  }
  const size_t slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  std::string_view path = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash);
  std::string_view port;
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos) return bad_url("the [ of its address is not closed");
    url.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else {
    const size_t colon = authority.find(':');
    url.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon);
  }
  if (url.host.empty()) return bad_url("it names no host");
  if (!is_plain(url.host, ":%")) return bad_url("its host has a character that is in no name or address");
  url.port = url.tls ? 8089 : 8088;
  if (!port.empty()) {
    if (!port.starts_with(':')) return bad_url("a colon is expected before its port");
    port.remove_prefix(1);
    url.port = whole_number<int>(port).value_or(0);
    if (url.port < 1 || url.port > 65535) return bad_url("its port is no number from 1 to 65535");
  }
  if (!is_plain(path, "/")) return bad_url("its path has a character that is in no prefix");
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.ends_with("/ari")) path.remove_suffix(4);
  url.prefix = path;
  return url;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    const char* const end = text.data() + std::min(i + 3, text.size());
    if (text[i] == '%' && std::from_chars(text.data() + i + 1, end, byte, 16).ptr == text.data() + i + 3) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (unreserved(c)) {
      out += c;
    } else {
      out += '%';
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

std::string query_string(const std::vector<std::pair<std::string, std::string>>& parameters) {
  std::string out;
  for (const auto& [name, value] : parameters) {
    if (!out.empty()) out += '&';
    out += percent_encode(name) + "=" + percent_encode(value);
  }
  return out;
}

}  // namespace aribus
