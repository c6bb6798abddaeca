// An Asterisk whose answers have no end does not hold up the loop.
#include "net/http.h"
#include "tests/catch.h"
#include "tests/unit/net/fountain.h"

using namespace aribus;
using namespace aribus::test;

namespace {

struct EndlessAnswer {
  const char* what;
  std::string first, piece;
};

}  // namespace

TEST_CASE("an answer whose headers have no end is given up, and leaves time for others") {
  const std::string line = "X-Filler: " + std::string(4000, 'x') + "\r\n";
  const EndlessAnswer cases[] = {
      {"headers", "HTTP/1.1 200 OK\r\n", line},
      {"short headers", "HTTP/1.1 200 OK\r\n", "X: y\r\n"},
      {"trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", line},
      {"short trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n"},
      {"interim answers", "", "HTTP/1.1 100 Continue\r\n\r\n"},
  };
  for (const EndlessAnswer& one : cases) {
    INFO(one.what);
    Loop loop;
    Fountain fountain([&](const std::string&) { return one.first; }, one.piece);
    HttpOptions options;
    options.url.host = "127.0.0.1";
    options.url.port = fountain.port();
    Http http(loop, options);
    std::optional<Result<HttpResponse>> answer;
    http.send({"POST", "/ari/channels", "", Milliseconds(9000)}, [&](auto got) { answer = std::move(got); });
    REQUIRE(pump(loop, [&] { return answer.has_value(); }));
    REQUIRE_FALSE(answer->ok());
    CHECK(answer->error().kind == ErrorKind::outcome_unknown);
    CHECK_THAT(answer->error().message, ContainsSubstring("more than 65536 bytes of headers"));
  }
}

TEST_CASE("an answer whose body has no end leaves time for others") {
  const EndlessAnswer cases[] = {
      {"a large one", "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n", std::string(1000, 'x')},
      {"without a length", "HTTP/1.1 200 OK\r\n\r\n", std::string(1000, 'x')},
      {"chunks of a byte", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"},
      {"chunks with extensions", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
       "1;" + std::string(1000, 'e') + "\r\nx\r\n"},
  };
  for (const EndlessAnswer& one : cases) {
    INFO(one.what);
    Loop loop;
    Fountain fountain([&](const std::string&) { return one.first; }, one.piece);
    HttpOptions options;
    options.url.host = "127.0.0.1";
    options.url.port = fountain.port();
    options.max_response_bytes = size_t{1} << 40;
    options.max_held_bytes = size_t{1} << 40;
    Http http(loop, options);
    http.send({"GET", "/ari/recordings/stored/x/file", "", Milliseconds(60'000)}, [](auto) {});
    CHECK(others_get_their_turn(loop, fountain));
  }
}
