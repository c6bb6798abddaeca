// The opening handshake of a WebSocket (RFC 6455, section 4), for either role and without I/O.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace aribus {

// A head (request or status line, header lines, an empty line) over this size is refused.
inline constexpr size_t max_handshake_bytes = 16 << 10;

// The size of the head at the front of `bytes`, or 0 while it is incomplete. The first `seen` bytes were asked
// about before.
[[nodiscard]] size_t handshake_size(std::string_view bytes, size_t seen = 0);

// Sec-WebSocket-Accept for the client's `key` (4.2.2).
[[nodiscard]] std::string websocket_accept(std::string_view key);

// A client's request.
struct HandshakeRequest {
  std::string target;  // path and query
  std::string host;    // value of the Host header
  std::string key;     // 16 random bytes in base64
  std::vector<std::string> subprotocols;
  std::string authorization;  // value of the Authorization header, or ""
  std::string origin;         // value of the Origin header, or ""; a client here sends none
};

[[nodiscard]] std::string random_key();
[[nodiscard]] std::string request_text(const HandshakeRequest& request);

// The server's answer: with status 101 and no error the connection is a WebSocket.
struct HandshakeAnswer {
  int status = 0;           // 0: it is no HTTP
  std::string subprotocol;  // that the server chose, or ""
  size_t body_bytes = 0;    // that follow the head when the status is not 101
  std::string error;        // why the connection can't be used in spite of status 101, or that it is no HTTP
};

// Reads and checks the answer to `request`; `head` is all of its head.
[[nodiscard]] HandshakeAnswer read_answer(std::string_view head, const HandshakeRequest& request);

// Reads and checks a client's request; `head` is all of its head. Errors: refused; the message is an answer
// with the status and the sentence that fit.
[[nodiscard]] Result<HandshakeRequest> read_request(std::string_view head);

// An answer that refuses: `status_and_headers` as "404 Not Found", `text` for people.
[[nodiscard]] std::string refusing_answer(std::string_view status_and_headers, std::string_view text = {});

// The answer that accepts the client's `key`; `subprotocol` is one that it offered, or "".
[[nodiscard]] std::string accepting_answer(std::string_view key, std::string_view subprotocol);

}  // namespace aribus
