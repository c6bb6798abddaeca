// Streams that nobody should send: whatever they are, and however they are split, the reader's outcome is the
// same, and its memory bounded.
#include <chrono>
#include <random>

#include "net/websocket_handshake.h"
#include "tests/catch.h"
#include "tests/unit/helpers.h"
#include "tests/unit/net/frames.h"

using namespace aribus;
using namespace aribus::test;

namespace {

constexpr size_t bound = 300;
constexpr int rounds = 200'000;

std::string random_text(std::mt19937& random, size_t size) {
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

// Some frames as they should be.
std::string valid_stream(std::mt19937& random, WebSocketRole role) {
  std::string stream;
  const auto add = [&](Opcode opcode, bool final) {
    const bool is_short = opcode >= Opcode::close || random() % 4 != 0;
    std::string payload(random() % (is_short ? 60 : 500), static_cast<char>('a' + random() % 26));
    if (opcode == Opcode::close) payload = close_payload(1000, payload);
    std::optional<Mask> mask;
    if (role == WebSocketRole::server) mask = Mask{1, 2, 3, static_cast<unsigned char>(random())};
    append_frame(stream, opcode, payload, mask, final);
  };
  for (size_t count = random() % 8; count > 0; --count) {
    const Opcode opcode = random() % 2 == 0 ? Opcode::text : Opcode::binary;
    const size_t fragments = random() % 3;
    add(opcode, fragments == 0);
    for (size_t i = 1; i <= fragments; ++i) {
      if (random() % 2 == 0) add(Opcode::ping, true);
      add(Opcode::continuation, i == fragments);
    }
  }
  if (random() % 4 == 0) add(Opcode::close, true);
  return stream;
}

void mutate(std::mt19937& random, std::string& stream) {
  for (size_t count = random() % 4; count > 0 && !stream.empty(); --count) {
    const size_t at = random() % stream.size();
    switch (random() % 5) {
      case 0:
        stream[at] = static_cast<char>(stream[at] ^ 1 << random() % 8);
        break;
      case 1:
        stream.erase(at, random() % 5);
        break;
      case 2:
        stream.insert(at, random_text(random, random() % 5));
        break;
      case 3:
        stream.resize(at);
        break;
      default:
        stream += stream.substr(at);
    }
  }
}

}  // namespace

TEST_CASE("a stream of frames that is damaged or none at all has one outcome, however it is split") {
  std::mt19937 random(20261123);
  size_t violations = 0;
  size_t messages = 0;
  for (int round = 0; round < rounds; ++round) {
    FrameReaderOptions options;
    options.role = random() % 2 == 0 ? WebSocketRole::client : WebSocketRole::server;
    options.check_utf8 = random() % 2 == 0;
    options.max_message_bytes = bound;
    std::string stream = valid_stream(random, options.role);
    if (random() % 10 == 0) stream = random_text(random, random() % 400);
    mutate(random, stream);
    const Cut whole = cut(stream, options);
    INFO("round " << round);
    REQUIRE(cut_pieces(stream, random_splits(random, stream.size()), options) == whole);
    // A text that is not UTF-8 is noticed earlier in pieces.
    options.max_message_bytes = SIZE_MAX;
    const Cut unbounded = cut(stream, options);
    options.in_pieces = true;
    const Cut pieces = cut_pieces(stream, random_splits(random, stream.size()), options);
    if (pieces.empty() || pieces.back().code != close_bad_data) REQUIRE(pieces == unbounded);
    for (const Piece& piece : whole) {
      REQUIRE(piece.payload.size() <= bound);
      if (piece.kind == Received::Kind::violation) ++violations;
      if (piece.kind == Received::Kind::text) ++messages;
    }
  }
  CHECK(violations > 1000);
  CHECK(messages > 1000);
}

TEST_CASE("a handshake that is damaged or none at all is refused or taken, and never more") {
  std::mt19937 random(7);
  HandshakeRequest request;
  request.target = "/ari/events?app=demo";
  request.host = "127.0.0.1:8088";
  request.key = random_key();
  request.subprotocols = {"ari"};
  const std::string asked = request_text(request);
  const std::string answered = accepting_answer(request.key, "ari");
  for (int round = 0; round < rounds; ++round) {
    std::string one = asked;
    std::string other = answered;
    mutate(random, one);
    mutate(random, other);
    const auto got = read_request(one);
    if (got) REQUIRE(got->key.size() == 24);
    const HandshakeAnswer answer = read_answer(other, request);
    REQUIRE(((answer.status >= 100 && answer.status <= 999) || !answer.error.empty()));
    static_cast<void>(handshake_size(one));
  }
}
