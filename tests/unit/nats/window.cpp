#include "nats/window.h"

#include "tests/catch.h"

using namespace aribus;
using namespace aribus::nats;

namespace {

std::string stored(uint64_t seq) {
  return R"({"stream":"ARIBUS_pbx1","seq":)" + std::to_string(seq) + "}";
}

// With the records s:1 to s:`count` under way behind sequence 10, which holds s:0.
Window under_way(uint64_t count) {
  Window window(10, {"s", 0});
  for (uint64_t seq = 1; seq <= count; ++seq) {
    CHECK(window.expected() == 9 + seq);
    window.sent({"s", seq}, 100);
  }
  return window;
}

}  // namespace

TEST_CASE("a place is <stream>:<seq>, and what follows a second colon is not of it") {
  CHECK(Place::parse("8f3a:12") == Place{"8f3a", 12});
  CHECK(Place::parse("8f3a:12:restarted:7") == Place{"8f3a", 12});
  CHECK(Place{"8f3a", 12}.text() == "8f3a:12");
  for (const char* text :
       {"", ":", ":1", "8f3a", "8f3a:", "8f3a:x", "8f3a:1x", "8f3a:-1", "8f3a:99999999999999999999"}) {
    INFO(text);
    CHECK(Place::parse(text).stream.empty());
  }
}

TEST_CASE("each answer says that a message was stored, and so are those before it") {
  Window window = under_way(4);
  REQUIRE(window.answered(10, stored(11)));
  CHECK(window.stored() == Place{"s", 1});
  CHECK(window.last() == 11);
  REQUIRE(window.answered(12, stored(13)));  // that of 11 was lost
  CHECK(window.stored() == Place{"s", 3});
  CHECK(window.last() == 13);
  REQUIRE(window.answered(11, stored(12)));  // or late
  CHECK(window.last() == 13);
  CHECK(window.size() == 1);
  REQUIRE(window.answered(13, stored(14)));
  CHECK(window.is_empty());
  CHECK(window.expected() == 14);
}

TEST_CASE("a message that is stored elsewhere ends the window") {
  for (
      const char* answer :
      {R"({"stream":"ARIBUS_pbx1","seq":7,"duplicate":true})", R"({"stream":"ARIBUS_pbx1","seq":12})",
       R"({"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 12"},"stream":"ARIBUS_pbx1","seq":0})"}) {
    INFO(answer);
    Window window = under_way(2);
    const auto taken = window.answered(10, answer);
    REQUIRE_FALSE(taken);
    CHECK(taken.error().kind == ErrorKind::refused);
    CHECK(window.last() == 10);
    CHECK(window.size() == 2);
  }
  Window window = under_way(1);
  const auto taken = window.answered(
      10, R"({"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 12"}})");
  REQUIRE_FALSE(taken);
  CHECK(taken.error().message.find("wrong last sequence: 12 (10071)") != std::string::npos);
}

TEST_CASE("a JetStream that stores nothing, or answers nonsense, is no sign of another publisher") {
  for (const char* answer :
       {"", "x", "[]", "{}", R"({"seq":"11"})", R"({"error":7})",
        R"({"error":{"code":503,"err_code":10023,"description":"insufficient resources"},"seq":0})",
        R"({"error":{"code":400,"err_code":10109,"description":"invalid operation on sealed stream"}})"}) {
    INFO(answer);
    Window window = under_way(2);
    const auto taken = window.answered(10, answer);
    REQUIRE_FALSE(taken);
    CHECK(taken.error().kind == ErrorKind::not_connected);
    CHECK(window.last() == 10);
    CHECK(window.size() == 2);
  }
  Window window = under_way(1);
  const auto taken = window.answered(
      10, R"({"error":{"code":503,"err_code":10023,"description":"insufficient resources"},"seq":0})");
  REQUIRE_FALSE(taken);
  CHECK(taken.error().message.find("insufficient resources (10023); its disk is full") != std::string::npos);
}

TEST_CASE("a window is full by records and by bytes") {
  CHECK_FALSE(under_way(Window::max_records - 1).is_full());
  CHECK(under_way(Window::max_records).is_full());
  Window window(0, {});
  window.sent({"s", 1}, Window::max_bytes);
  CHECK(window.is_full());
  REQUIRE(window.answered(0, stored(1)));
  CHECK_FALSE(window.is_full());
}

TEST_CASE("a window knows what was under way when NATS had no room") {
  Window window = under_way(3);
  CHECK(window.flight() == Flight{10, "s", {1, 2, 3}});
  REQUIRE(window.answered(10, stored(11)));
  CHECK_FALSE(window.lacks_room());
  REQUIRE_FALSE(window.answered(
      11, R"({"error":{"code":400,"err_code":10002,"description":"resource limits exceeded for account"}})"));
  CHECK(window.lacks_room());
  CHECK(window.flight() == Flight{11, "s", {2, 3}});
  CHECK(Window(10, {"s", 0}).flight() == Flight{10, "", {}});
}

TEST_CASE("a server that counts messages which it has not stored is told what it believes") {
  Window refused(10, {"s", 0});
  refused.sent({"s", 1}, 100);
  REQUIRE_FALSE(refused.answered(
      10, R"({"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 12"}})"));
  CHECK(refused.believed_ahead() == 2);
  Window window(10, {"s", 0}, 2);
  CHECK(window.expected() == 12);
  window.sent({"s", 1}, 100);
  CHECK(window.expected() == 13);
  window.sent({"s", 2}, 100);
  REQUIRE(window.answered(12, stored(11)));
  CHECK(window.last() == 11);
  CHECK(window.stored() == Place{"s", 1});
  REQUIRE_FALSE(window.answered(13, stored(11)));
  CHECK(window.believed_ahead() == std::nullopt);
}

TEST_CASE("a server that has counted its messages again no longer is ahead") {
  Window window(100, {"s", 0}, 4);
  CHECK(window.expected() == 104);
  window.sent({"s", 1}, 100);
  REQUIRE_FALSE(window.answered(
      104, R"({"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 100"}})"));
  CHECK(window.believed_ahead() == 0);
  Window behind(100, {"s", 0});
  behind.sent({"s", 1}, 100);
  REQUIRE_FALSE(behind.answered(
      100, R"({"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 90"}})"));
  CHECK(behind.believed_ahead() == 0);
}
