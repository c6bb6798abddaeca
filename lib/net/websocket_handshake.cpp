#include "net/websocket_handshake.h"

#include <algorithm>
#include <optional>

#include <openssl/sha.h>

#include "base/base64.h"
#include "base/numbers.h"
#include "base/random.h"

namespace aribus {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::string_view blanks = " \t";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

// Others than a tab: they could hide a header within another one's value.
bool is_control_character(char c) {
  return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7F;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && blanks.find(text.front()) != std::string_view::npos) text.remove_prefix(1);
  while (!text.empty() && blanks.find(text.back()) != std::string_view::npos) text.remove_suffix(1);
  return text;
}

std::string_view take_until(std::string_view& text, std::string_view end) {
  const size_t at = text.find(end);
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + end.size());
  return taken;
}

std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> items;
  while (!text.empty()) {
    const std::string_view item = trimmed(take_until(text, ","));
    if (!item.empty()) items.push_back(item);
  }
  return items;
}

// A head's lines.
struct Head {
  std::string_view first;
  std::vector<std::pair<std::string_view, std::string_view>> headers;

  // Nothing: a line is no header.
  static std::optional<Head> read(std::string_view text) {
    Head head;
    head.first = take_until(text, line_end);
    for (std::string_view line = take_until(text, line_end); !line.empty();
         line = take_until(text, line_end)) {
      const size_t colon = line.find(':');
      if (colon == 0 || colon == std::string_view::npos || line.find_first_of(blanks) < colon ||
          std::ranges::any_of(line, is_control_character)) {
        return std::nullopt;
      }
      head.headers.emplace_back(line.substr(0, colon), trimmed(line.substr(colon + 1)));
    }
    return head;
  }

  size_t count(std::string_view name) const {
    return static_cast<size_t>(std::ranges::count_if(
        headers, [&](const auto& header) { return equal_ignoring_case(header.first, name); }));
  }
  // The first header of that name, or "".
  std::string_view value(std::string_view name) const {
    const auto found = std::ranges::find_if(
        headers, [&](const auto& header) { return equal_ignoring_case(header.first, name); });
    return found == headers.end() ? std::string_view() : found->second;
  }
  // The items of all headers of that name, which are lists.
  std::vector<std::string_view> items(std::string_view name) const {
    std::vector<std::string_view> all;
    for (const auto& [key, text] : headers) {
      if (!equal_ignoring_case(key, name)) continue;
      const auto some = split_list(text);
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  }
  bool lists(std::string_view name, std::string_view item) const {
    return std::ranges::any_of(items(name),
                               [&](std::string_view one) { return equal_ignoring_case(one, item); });
  }
};

// The status in "HTTP/1.1 101 Switching Protocols", or 0.
int status_of(std::string_view line) {
  if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ') return 0;
  if (line.size() > 12 && line[12] != ' ') return 0;
  int status = 0;
  for (const char c : line.substr(9, 3)) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + (c - '0');
  }
  return status < 100 ? 0 : status;
}

// The number that `text` is, or 0.
size_t number_of(std::string_view text) {
  return whole_number<size_t>(text).value_or(0);
}

// Whether `key` is the base64 of 16 bytes.
bool is_key(std::string_view key) {
  return key.size() == 24 && key.ends_with("==") &&
         key.substr(0, 22).find_first_not_of(base64_alphabet) == std::string_view::npos;
}

Error refusal(std::string_view status_and_headers, const std::string& text) {
  return Error{ErrorKind::refused, refusing_answer(status_and_headers, text + ".\n"), {}};
}

}  // namespace

size_t handshake_size(std::string_view bytes, size_t seen) {
  constexpr size_t end_bytes = 4;
  const size_t end = bytes.find("\r\n\r\n", seen - std::min(seen, end_bytes - 1));
  return end == std::string_view::npos ? 0 : end + 4;
}

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return base64({reinterpret_cast<const char*>(digest), sizeof digest});
}

std::string random_key() {
  return base64(random_bytes(16));
}

std::string request_text(const HandshakeRequest& request) {
  std::string text = "GET " + request.target + " HTTP/1.1\r\nHost: " + request.host +
                     "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + request.key +
                     "\r\nSec-WebSocket-Version: 13\r\n";
  std::string subprotocols;
  for (const std::string& name : request.subprotocols)
    subprotocols += (subprotocols.empty() ? "" : ", ") + name;
  if (!subprotocols.empty()) text += "Sec-WebSocket-Protocol: " + subprotocols + "\r\n";
  if (!request.authorization.empty()) text += "Authorization: " + request.authorization + "\r\n";
  return text + "\r\n";
}

HandshakeAnswer read_answer(std::string_view text, const HandshakeRequest& request) {
  HandshakeAnswer answer;
  answer.status = status_of(text.substr(0, text.find(line_end)));
  if (answer.status == 0) answer.error = "the answer is no HTTP";
  const auto head = Head::read(text);
  if (answer.status != 101) {
    if (head) answer.body_bytes = number_of(head->value("Content-Length"));
    return answer;
  }
  if (!head) {
    answer.error = "the answer has a line that is no header";
  } else if (!head->lists("Upgrade", "websocket") || !head->lists("Connection", "Upgrade")) {
    answer.error = "the server switches to another protocol than WebSocket";
  } else if (head->count("Sec-WebSocket-Accept") != 1 ||
             head->value("Sec-WebSocket-Accept") != websocket_accept(request.key)) {
    answer.error = "the server's Sec-WebSocket-Accept does not fit: it answers another request";
  } else if (!head->items("Sec-WebSocket-Extensions").empty()) {
    answer.error = "the server uses an extension that was not offered";
  } else if (const auto chosen = head->items("Sec-WebSocket-Protocol"); !chosen.empty()) {
    answer.subprotocol = chosen.front();
    if (chosen.size() > 1 ||
        std::ranges::find(request.subprotocols, answer.subprotocol) == request.subprotocols.end()) {
      answer.error = "the server chose a sub-protocol that was not offered";
    }
  }
  return answer;
}

Result<HandshakeRequest> read_request(std::string_view text) {
  const auto head = Head::read(text);
  if (!head) return refusal("400 Bad Request", "A line of the request is no header");
  std::string_view line = head->first;
  const std::string_view method = take_until(line, " ");
  const std::string_view target = take_until(line, " ");
  if (target.empty() || !line.starts_with("HTTP/1.")) {
    return refusal("400 Bad Request", "The request does not begin as GET /path HTTP/1.1");
  }
  if (method != "GET") return refusal("405 Method Not Allowed\r\nAllow: GET", "A WebSocket begins with GET");
  if (line != "HTTP/1.1") return refusal("400 Bad Request", "A WebSocket begins with HTTP/1.1");
  if (head->count("Host") != 1 || head->value("Host").empty())
    return refusal("400 Bad Request", "One header Host, with a value, is expected");
  const size_t origins = head->count("Origin");
  if (origins > 1 || (origins == 1 && head->value("Origin").empty()))
    return refusal("400 Bad Request", "At most one header Origin, with a value, is expected");
  if (head->count("Transfer-Encoding") > 0 ||
      (head->count("Content-Length") > 0 && head->value("Content-Length") != "0")) {
    return refusal("400 Bad Request", "A request for a WebSocket has no body");
  }
  if (!head->lists("Upgrade", "websocket") || !head->lists("Connection", "Upgrade")) {
    return refusal("426 Upgrade Required\r\nUpgrade: websocket",
                   "This is a WebSocket: Upgrade: websocket and Connection: Upgrade are expected");
  }
  if (head->value("Sec-WebSocket-Version") != "13") {
    return refusal("426 Upgrade Required\r\nSec-WebSocket-Version: 13",
                   "Sec-WebSocket-Version: 13 is expected");
  }
  if (head->count("Sec-WebSocket-Key") != 1 || !is_key(head->value("Sec-WebSocket-Key"))) {
    return refusal("400 Bad Request", "One Sec-WebSocket-Key, the base64 of 16 bytes, is expected");
  }
  HandshakeRequest request;
  request.target = target;
  request.host = head->value("Host");
  request.origin = head->value("Origin");
  request.key = head->value("Sec-WebSocket-Key");
  for (const std::string_view name : head->items("Sec-WebSocket-Protocol"))
    request.subprotocols.emplace_back(name);
  request.authorization = head->value("Authorization");
  return request;
}

std::string refusing_answer(std::string_view status_and_headers, std::string_view text) {
  return "HTTP/1.1 " + std::string(status_and_headers) + "\r\nConnection: close\r\n" +
         (text.empty() ? "" : "Content-Type: text/plain; charset=utf-8\r\n") +
         "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n" + std::string(text);
}

std::string accepting_answer(std::string_view key, std::string_view subprotocol) {
  std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
      "Upgrade\r\nSec-WebSocket-Accept: " +
      websocket_accept(key) + "\r\n";
  if (!subprotocol.empty()) answer += "Sec-WebSocket-Protocol: " + std::string(subprotocol) + "\r\n";
  return answer + "\r\n";
}

}  // namespace aribus
