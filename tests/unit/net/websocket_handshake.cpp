#include "net/websocket_handshake.h"

#include "tests/catch.h"

using namespace aribus;

namespace {

// The examples of RFC 6455, 1.2 and 1.3.
const std::string rfc_key = "dGhlIHNhbXBsZSBub25jZQ==";
const std::string rfc_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const std::string rfc_request =
    "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.com\r\n"
    "Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\n\r\n";
const std::string rfc_answer =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n";

HandshakeRequest rfc_asked() {
  HandshakeRequest request;
  request.target = "/chat";
  request.host = "server.example.com";
  request.key = rfc_key;
  request.subprotocols = {"chat", "superchat"};
  return request;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace

TEST_CASE("the handshake of RFC 6455 (1.3) is made and read, on either side") {
  CHECK(websocket_accept(rfc_key) == rfc_accept);
  CHECK(accepting_answer(rfc_key, "chat") == rfc_answer);
  const HandshakeAnswer answer = read_answer(rfc_answer, rfc_asked());
  CHECK(answer.status == 101);
  CHECK(answer.error.empty());
  CHECK(answer.subprotocol == "chat");
  const auto request = read_request(rfc_request);
  REQUIRE(request.ok());
  CHECK(request->target == "/chat");
  CHECK(request->host == "server.example.com");
  CHECK(request->key == rfc_key);
  CHECK(request->subprotocols == std::vector<std::string>{"chat", "superchat"});
}

TEST_CASE("a request is read as it was made") {
  HandshakeRequest asked = rfc_asked();
  asked.key = random_key();
  asked.authorization = "Basic eA==";
  const auto read = read_request(request_text(asked));
  REQUIRE(read.ok());
  CHECK(read->target == asked.target);
  CHECK(read->key == asked.key);
  CHECK(read->subprotocols == asked.subprotocols);
  CHECK(read->authorization == asked.authorization);
  CHECK(random_key() != random_key());
}

TEST_CASE("a head ends with an empty line") {
  CHECK(handshake_size("") == 0);
  CHECK(handshake_size(rfc_answer.substr(0, rfc_answer.size() - 1)) == 0);
  CHECK(handshake_size(rfc_answer + "more") == rfc_answer.size());
}

TEST_CASE("names of headers and tokens are read in any case, and lists as lists") {
  for (const std::string& text :
       {replaced(rfc_answer, "Upgrade: websocket", "UPGRADE:WebSocket"),
        replaced(rfc_answer, "Connection: Upgrade", "connection: keep-alive,  upgrade"),
        replaced(rfc_answer, "Connection: Upgrade", "Connection: keep-alive\r\nConnection: Upgrade\t"),
        replaced(rfc_answer, "Sec-WebSocket-Accept: ", "sec-websocket-accept:"),
        replaced(rfc_answer, "Sec-WebSocket-Protocol: chat\r\n", "")}) {
    INFO(text);
    CHECK(read_answer(text, rfc_asked()).error.empty());
  }
}

TEST_CASE("an answer with another status is refused with that, whatever else is in it") {
  CHECK(read_answer("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", rfc_asked()).status == 401);
  CHECK(read_answer("HTTP/1.0 503\r\n\r\n", rfc_asked()).status == 503);
  CHECK(read_answer("HTTP/1.1 302 Found\r\nthis is no header\r\n\r\n", rfc_asked()).status == 302);
}

TEST_CASE("an answer that does not make a WebSocket of the connection says why") {
  const std::pair<const char*, std::string> table[] = {
      {"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n"},
      {"no HTTP", "\r\n\r\n"},
      {"no HTTP", "HTTP/1.1 1x1 What\r\n\r\n"},
      {"no HTTP", "HTTP/1.1 1010\r\n\r\n"},
      {"no header", replaced(rfc_answer, "Upgrade: websocket", "Upgrade websocket")},
      {"no header", replaced(rfc_answer, "Upgrade: websocket", " Upgrade: websocket")},
      {"another protocol", replaced(rfc_answer, "Upgrade: websocket", "Upgrade: h2c")},
      {"another protocol", replaced(rfc_answer, "Connection: Upgrade\r\n", "")},
      {"does not fit", replaced(rfc_answer, "s3pP", "S3pP")},
      {"does not fit", replaced(rfc_answer, "Sec-WebSocket-Accept", "Sec-WebSocket-Except")},
      {"does not fit", replaced(rfc_answer, "\r\nSec-WebSocket-Accept: ",
                                "\r\nSec-WebSocket-Accept: x\r\nSec-WebSocket-Accept: ")},
      {"extension",
       replaced(rfc_answer, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")},
      {"sub-protocol", replaced(rfc_answer, ": chat", ": mqtt")},
      {"sub-protocol", replaced(rfc_answer, ": chat", ": chat, superchat")},
      {"sub-protocol", replaced(rfc_answer, ": chat", ": CHAT")},
  };
  for (const auto& [why, text] : table) {
    INFO(text);
    const HandshakeAnswer answer = read_answer(text, rfc_asked());
    CHECK_THAT(answer.error, ContainsSubstring(why));
  }
}

TEST_CASE("a request that can't be accepted is answered with the status that fits") {
  const std::pair<const char*, std::string> table[] = {
      {"400", "\r\n\r\n"},
      {"400", "GET /chat\r\n\r\n"},
      {"400", replaced(rfc_request, "HTTP/1.1", "HTTP/1.0")},
      {"400", replaced(rfc_request, "Host: ", "Ghost: ")},
      {"400", replaced(rfc_request, "Origin: ", "Origin ")},
      {"400", replaced(rfc_request, "dGhl", "")},
      {"400", replaced(rfc_request, "dGhl", "d*hl")},
      {"400", replaced(rfc_request, "Sec-WebSocket-Key", "Sec-WebSocket-Lock")},
      {"400", replaced(rfc_request, "Host: server.example.com", "Host:")},
      {"400", replaced(rfc_request, "Origin: http://example.com", "Origin: ")},
      {"400", replaced(rfc_request, "Host: server.example.com", "Host: a\nOrigin: https://evil")},
      {"400", replaced(rfc_request, "Origin: http://example.com", "Content-Length: 5")},
      {"400", replaced(rfc_request, "Origin: http://example.com", "Transfer-Encoding: chunked")},
      {"405", replaced(rfc_request, "GET", "POST")},
      {"426", replaced(rfc_request, "Upgrade: websocket\r\n", "")},
      {"426", replaced(rfc_request, "Connection: Upgrade", "Connection: close")},
      {"426", replaced(rfc_request, "Version: 13", "Version: 8")},
  };
  for (const auto& [status, text] : table) {
    INFO(text);
    const auto request = read_request(text);
    REQUIRE_FALSE(request.ok());
    CHECK(request.error().message.starts_with(std::string("HTTP/1.1 ") + status + " "));
    CHECK(handshake_size(request.error().message) > 0);
    CHECK(request.error().message.ends_with(".\n"));  // a sentence
  }
}

TEST_CASE("the end of a head is found in pieces of any size, and each byte is looked at once") {
  for (size_t piece = 1; piece < 8; ++piece) {
    std::string bytes;
    size_t found = 0;
    const std::string all = rfc_request + "rest";
    for (size_t at = 0; at < all.size() && found == 0; at += piece) {
      const size_t seen = bytes.size();
      bytes += all.substr(at, piece);
      found = handshake_size(bytes, seen);
      if (seen >= rfc_request.size()) FAIL("it was not found at once");
    }
    CHECK(found == rfc_request.size());
  }
  CHECK(handshake_size("\r\n\r\nrest", 6) == 0);  // not asked about again
}
