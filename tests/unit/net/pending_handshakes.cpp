#include "net/pending_handshakes.h"

#include <vector>

#include "tests/catch.h"

using namespace aribus;

namespace {

constexpr Milliseconds now{10'000};

Milliseconds ago(int ms) {
  return now - Milliseconds(ms);
}

}  // namespace

TEST_CASE("the address with the most guests loses one") {
  const std::vector<HandshakeView> pending = {{"192.0.2.1", ago(900), HandshakeState::silent},
                                              {"192.0.2.2", ago(800), HandshakeState::speaking},
                                              {"192.0.2.2", ago(10), HandshakeState::speaking}};
  CHECK(who_makes_room(pending, now) == 1);
}

TEST_CASE("of one address go the silent, then the refused, then those in the middle of a request") {
  std::vector<HandshakeView> pending = {{"::1", ago(900), HandshakeState::speaking},
                                        {"::1", ago(700), HandshakeState::silent},
                                        {"::1", ago(600), HandshakeState::silent},
                                        {"::1", ago(900), HandshakeState::refused},
                                        {"::1", ago(999), HandshakeState::right}};
  for (const size_t expected : {1, 2, 3, 0}) {
    REQUIRE(who_makes_room(pending, now) == expected);
    pending[expected] = {"::1", ago(999), HandshakeState::right};
  }
  CHECK_FALSE(who_makes_room(pending, now));
}

TEST_CASE("who has just connected has time to speak, as long as others had it") {
  std::vector<HandshakeView> pending = {{"::1", ago(20), HandshakeState::silent},
                                        {"::1", ago(200), HandshakeState::speaking},
                                        {"::1", ago(40), HandshakeState::silent}};
  CHECK(who_makes_room(pending, now) == 1);
  pending[1].since = ago(30);
  CHECK(who_makes_room(pending, now) == 2);
}
