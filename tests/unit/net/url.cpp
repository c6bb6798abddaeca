#include "net/url.h"

#include "tests/catch.h"

using namespace aribus;

namespace {

Url url_of(std::string_view text) {
  INFO(text);
  const auto url = parse_url(text);
  REQUIRE(url.ok());
  return *url;
}

std::string refusal_of(std::string_view text) {
  INFO(text);
  const auto url = parse_url(text);
  CHECK_FALSE(url.ok());
  if (url) return "accepted";
  CHECK(url.error().kind == ErrorKind::invalid_params);
  return url.error().message;
}

}  // namespace

TEST_CASE("a URL gives host, port and whether TLS is used") {
  const Url url = url_of("http://pbx.example:8080");
  CHECK_FALSE(url.tls);
  CHECK(url.host == "pbx.example");
  CHECK(url.port == 8080);
  CHECK(url.prefix.empty());
  CHECK(url.text() == "http://pbx.example:8080");
  CHECK(url.authority() == "pbx.example:8080");
  CHECK(url_of("https://pbx.example:8080").tls);
  CHECK(url_of("https://pbx.example:8080").text() == "https://pbx.example:8080");
}

TEST_CASE("the port is Asterisk's when the URL names none") {
  CHECK(url_of("http://pbx").port == 8088);
  CHECK(url_of("https://pbx/").port == 8089);
  CHECK(url_of("http://[::1]").port == 8088);
}

TEST_CASE("ws and wss mean http and https") {
  CHECK(url_of("ws://pbx:1").text() == "http://pbx:1");
  CHECK(url_of("wss://pbx:1").text() == "https://pbx:1");
}

TEST_CASE("an IPv6 address stands in brackets") {
  const Url url = url_of("http://[fe80::1]:8080/x");
  CHECK(url.host == "fe80::1");
  CHECK(url.port == 8080);
  CHECK(url.text() == "http://[fe80::1]:8080/x");
  refusal_of("http://fe80::1:8080");
  CHECK_THAT(refusal_of("http://[::1"), ContainsSubstring("not closed"));
}

TEST_CASE("only a port may follow an IPv6 address") {
  refusal_of("http://[::1]8088");
  refusal_of("http://[::1]x8088");
  refusal_of("http://[::1].example:8088");
}

TEST_CASE("/ari is taken off the path, a prefix stays") {
  CHECK(url_of("http://pbx/ari").prefix.empty());
  CHECK(url_of("http://pbx/ari/").prefix.empty());
  CHECK(url_of("http://pbx/").prefix.empty());
  CHECK(url_of("http://pbx/asterisk").prefix == "/asterisk");
  CHECK(url_of("http://pbx/asterisk/").prefix == "/asterisk");
  CHECK(url_of("http://pbx/asterisk/ari").prefix == "/asterisk");
  CHECK(url_of("http://pbx/safari").prefix == "/safari");
  CHECK(url_of("http://pbx:1/asterisk").text() == "http://pbx:1/asterisk");
}

TEST_CASE("credentials in a URL are refused, and not repeated") {
  const std::string_view with_secret[] = {
      "http://user:s3cret@pbx",           "http://s3cret@pbx:8088", "https://user:s3cret@[::1]:8089/ari",
      "http://user:s3cret/s3cret@pbx",    "user:s3cret@pbx:8088",   "ftp://user:s3cret@pbx",
      "http://user:s3cret@pbx:99999/ari",
  };
  for (const std::string_view text : with_secret) {
    const std::string message = refusal_of(text);
    INFO(text << " -> " << message);
    CHECK(message.find("s3cret") == std::string::npos);
  }
  CHECK_THAT(refusal_of("http://user:s3cret@pbx"), ContainsSubstring("keys of their own"));
}

TEST_CASE("a port must be a number from 1 to 65535") {
  CHECK(url_of("http://pbx:1").port == 1);
  CHECK(url_of("http://pbx:65535").port == 65535);
  for (const char* port : {"0", "65536", "-1", "+80", "80x", "x", "", "99999999999999999999", "8088:1"}) {
    CHECK_THAT(refusal_of("http://pbx:" + std::string(port)), ContainsSubstring("port"));
  }
}

TEST_CASE("what is no URL of a server is refused with what was expected") {
  for (const char* text :
       {"", "pbx", "pbx:8088", "ftp://pbx", "http:/pbx", "HTTP//pbx", "http://", "http:///ari",
        "http://:8088", "http://pbx/x?y=z", "http://pbx/x#y", "http://pbx/a b"}) {
    CHECK_THAT(refusal_of(text), ContainsSubstring("expected http://host:8088"));
  }
}

TEST_CASE("a query or a fragment behind the host is refused too") {
  refusal_of("http://pbx?y=z");
  refusal_of("http://pbx#y");
  refusal_of("http://p bx");
}

TEST_CASE("everything that is not unreserved is percent-encoded") {
  CHECK(percent_encode("AZaz09-._~") == "AZaz09-._~");
  CHECK(percent_encode("/;#") == "%2F%3B%23");
  CHECK(percent_encode(" +\xC3\xA9") == "%20%2B%C3%A9");
  CHECK(percent_encode("%?&=:@[]\"\\") == "%25%3F%26%3D%3A%40%5B%5D%22%5C");
  CHECK(percent_encode(std::string_view("\0\x7F\xFF", 3)) == "%00%7F%FF");
  CHECK(percent_encode("").empty());
}

TEST_CASE("names and values of a query are encoded") {
  CHECK(query_string({}).empty());
  CHECK(query_string({{"a", "1"}}) == "a=1");
  CHECK(query_string({{"a b", "1&2"}, {"c", ""}}) == "a%20b=1%262&c=");
}
