#include "net/websocket_frame.h"

#include <random>
#include <tuple>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/net/frames.h"

using namespace aribus;
using namespace aribus::test;
using Kind = Received::Kind;

namespace {

constexpr Mask rfc_mask{0x37, 0xfa, 0x21, 0x3d};

FrameReaderOptions as_server() {
  FrameReaderOptions options;
  options.role = WebSocketRole::server;
  return options;
}

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out += static_cast<char>(value);
  return out;
}

}  // namespace

TEST_CASE("the frames of RFC 6455 (5.7) are read and written") {
  const std::string hello = bytes({0x81, 0x05, 'H', 'e', 'l', 'l', 'o'});
  const std::string masked = bytes({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58});
  const std::string fragments = bytes({0x01, 0x03, 'H', 'e', 'l', 0x80, 0x02, 'l', 'o'});
  const std::string ping = bytes({0x89, 0x05, 'H', 'e', 'l', 'l', 'o'});
  const std::string masked_pong = bytes({0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58});
  const std::string medium = bytes({0x82, 0x7e, 0x01, 0x00}) + std::string(256, 'm');
  const std::string large = bytes({0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0}) + std::string(65536, 'l');

  CHECK(cut(hello) == Cut{message(Kind::text, "Hello")});
  CHECK(cut(masked, as_server()) == Cut{message(Kind::text, "Hello")});
  CHECK(cut(fragments) == Cut{message(Kind::text, "Hello")});
  CHECK(cut(ping) == Cut{control(Kind::ping, "Hello")});
  CHECK(cut(masked_pong, as_server()) == Cut{control(Kind::pong, "Hello")});
  CHECK(cut(medium) == Cut{message(Kind::binary, std::string(256, 'm'))});
  CHECK(cut(large) == Cut{message(Kind::binary, std::string(65536, 'l'))});

  CHECK(frame(Opcode::text, "Hello") == hello);
  CHECK(frame(Opcode::text, "Hello", rfc_mask) == masked);
  CHECK(frame(Opcode::text, "Hel", {}, false) + frame(Opcode::continuation, "lo") == fragments);
  CHECK(frame(Opcode::ping, "Hello") == ping);
  CHECK(frame(Opcode::pong, "Hello", rfc_mask) == masked_pong);
  CHECK(frame(Opcode::binary, std::string(256, 'm')) == medium);
  CHECK(frame(Opcode::binary, std::string(65536, 'l')) == large);
}

TEST_CASE("what either role writes the other one reads, at every size of a length") {
  for (const size_t size : {0, 1, 124, 125, 126, 127, 65'535, 65'536, 65'537, 1 << 20}) {
    INFO(size);
    const std::string text(size, 'x');
    CHECK(cut(frame(Opcode::text, text)) == Cut{message(Kind::text, text)});
    CHECK(cut(frame(Opcode::text, text, random_mask()), as_server()) == Cut{message(Kind::text, text)});
  }
}

TEST_CASE("a mask goes over bytes of any number from any place, and comes off again") {
  std::mt19937 random(1);
  std::string plain(100, '\0');
  for (char& c : plain) c = static_cast<char>(random());
  for (size_t offset = 0; offset < 9; ++offset) {
    for (size_t size = 0; size <= plain.size(); ++size) {
      std::string masked = plain.substr(0, size);
      apply_mask(rfc_mask, offset, masked.data(), masked.size());
      for (size_t i = 0; i < size; ++i) {
        REQUIRE(static_cast<unsigned char>(masked[i] ^ plain[i]) == rfc_mask[(offset + i) % 4]);
      }
    }
  }
  CHECK(random_mask() != random_mask());
}

TEST_CASE("a text that lies there whole is not copied") {
  const std::string stream = frame(Opcode::text, std::string(460, 'a')) + frame(Opcode::text, "bb");
  FrameReader reader;
  std::string_view rest = stream;
  const auto first = reader.next(rest);
  REQUIRE(first);
  CHECK(first->payload.data() == stream.data() + 4);
  const auto second = reader.next(rest);
  REQUIRE(second);
  CHECK(second->payload.data() == stream.data() + 4 + 460 + 2);
  CHECK(rest.empty());
}

TEST_CASE("control frames come between the fragments of a message") {
  const std::string stream = frame(Opcode::text, "a", {}, false) + frame(Opcode::ping, "1") +
                             frame(Opcode::continuation, "", {}, false) + frame(Opcode::pong, "2") +
                             frame(Opcode::continuation, "b") + frame(Opcode::text, "c");
  CHECK(cut(stream) == Cut{control(Kind::ping, "1"), control(Kind::pong, "2"), message(Kind::text, "ab"),
                           message(Kind::text, "c")});
}

TEST_CASE("however a stream is split, the same comes out of it") {
  std::string client_stream;
  std::string server_stream;
  const auto add = [&](Opcode opcode, const std::string& payload, bool final = true) {
    append_frame(server_stream, opcode, payload, std::nullopt, final);
    append_frame(client_stream, opcode, payload, random_mask(), final);
  };
  add(Opcode::text, "short");
  add(Opcode::text, "");
  add(Opcode::ping, "are you there");
  add(Opcode::text, std::string(300, 'm'));
  add(Opcode::text, "one \xC3", false);
  add(Opcode::ping, "");
  add(Opcode::continuation, "\xA4", false);
  add(Opcode::continuation, std::string(200, 't'));
  add(Opcode::binary, std::string("\0\1\2", 3));
  add(Opcode::text, "over the bound: " + std::string(600, 'b'));
  add(Opcode::text, "next");
  add(Opcode::close, close_payload(1001, "over"));
  FrameReaderOptions client;
  client.max_message_bytes = 500;
  FrameReaderOptions server = as_server();
  server.max_message_bytes = 500;
  const Cut whole = cut(server_stream, client);
  REQUIRE(whole.size() == 10);
  CHECK(cut(client_stream, server) == whole);

  // Every split in two, pieces of every small size, and a thousand splits at random.
  const auto pieces_of = [](const std::string& stream, size_t size) {
    std::vector<size_t> at;
    for (size_t end = size; end < stream.size(); end += size) at.push_back(end);
    return at;
  };
  for (size_t at = 0; at <= server_stream.size(); ++at) {
    REQUIRE(cut_pieces(server_stream, {at}, client) == whole);
  }
  for (size_t at = 0; at <= client_stream.size(); ++at) {
    REQUIRE(cut_pieces(client_stream, {at}, server) == whole);
  }
  for (size_t size = 1; size < 40; ++size) {
    REQUIRE(cut_pieces(server_stream, pieces_of(server_stream, size), client) == whole);
    REQUIRE(cut_pieces(client_stream, pieces_of(client_stream, size), server) == whole);
  }
  std::mt19937 random(2);
  for (int round = 0; round < 1000; ++round) {
    REQUIRE(cut_pieces(server_stream, random_splits(random, server_stream.size()), client) == whole);
    REQUIRE(cut_pieces(client_stream, random_splits(random, client_stream.size()), server) == whole);
  }
}

TEST_CASE("frames over the bound give the head of their message and its size") {
  FrameReaderOptions options;
  options.max_message_bytes = 1000;
  const std::string stream = frame(Opcode::text, std::string(1000, 'a')) +
                             frame(Opcode::text, std::string(1001, 'b')) +
                             frame(Opcode::text, std::string(600, 'c'), {}, false) +
                             frame(Opcode::continuation, std::string(600, 'd')) + frame(Opcode::text, "next");
  const Cut got = cut(stream, options);
  REQUIRE(got.size() == 4);
  CHECK(got[0] == message(Kind::text, std::string(1000, 'a')));
  CHECK(got[1] == Piece{Kind::text, std::string(1000, 'b'), 1001, 0});
  CHECK(got[2] == Piece{Kind::text, std::string(600, 'c') + std::string(400, 'd'), 1200, 0});
  CHECK(got[3] == message(Kind::text, "next"));
}

TEST_CASE("a large frame costs no memory, and for an immense one nobody waits") {
  FrameReaderOptions options;
  options.max_message_bytes = 100;
  FrameReader reader(options);
  const std::string head = bytes({0x81, 0x7f, 0, 0, 0, 0, 0x04, 0, 0, 0});  // 64 MiB
  std::string_view rest = head;
  CHECK_FALSE(reader.next(rest));
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 63; ++i) {
    rest = piece;
    CHECK_FALSE(reader.next(rest));
    CHECK(rest.empty());
  }
  rest = piece;
  const auto received = reader.next(rest);
  REQUIRE(received);
  CHECK(received->payload.size() == 100);
  CHECK(received->total_bytes == max_frame_bytes);

  for (const std::string& immense : {bytes({0x81, 0x7f, 0, 0, 0, 0, 0x04, 0, 0, 1}),
                                     bytes({0x81, 0x7f, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})}) {
    FrameReader another(options);
    rest = immense;
    const auto refused = another.next(rest);
    REQUIRE(refused);
    CHECK(refused->kind == Kind::violation);
    CHECK(refused->code == close_too_big);
  }
}

TEST_CASE("a message in pieces is cut between characters, and nothing of it is held") {
  FrameReaderOptions options;
  options.in_pieces = true;
  options.max_message_bytes = 2;  // does not apply
  FrameReader reader(options);
  const auto feed = [&](std::string_view bytes) {
    const auto received = reader.next(bytes);
    CHECK(bytes.empty());
    return received ? std::string(received->payload) + (received->final ? "." : "") : "-";
  };
  const std::string text = frame(Opcode::text, "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z");
  std::string got;
  for (const char byte : text) got += feed({&byte, 1}) + "|";
  CHECK(got == "-|-|a|-|\xC3\xA4|-|-|\xE2\x82\xAC|-|-|-|\xF0\x9F\x98\x80|z.|");
  CHECK(feed(frame(Opcode::text, "one", {}, false)) == "one");
  CHECK(feed(frame(Opcode::continuation, "", {}, false)) == "-");
  CHECK(feed(frame(Opcode::continuation, "two", {}, false)) == "two");
  CHECK(feed(frame(Opcode::continuation, "")) == ".");
  const std::string bad = frame(Opcode::text, "a\xC3", {}, false) + frame(Opcode::continuation, "b");
  CHECK(cut(bad, options).back().code == close_bad_data);
  CHECK(cut(frame(Opcode::text, "a\xC3"), options).back().code == close_bad_data);
}

TEST_CASE("text must be UTF-8 as a whole, where it is checked") {
  FrameReaderOptions lenient;
  lenient.check_utf8 = false;
  const std::string split_character =
      frame(Opcode::text, "\xE2\x82", {}, false) + frame(Opcode::continuation, "\xAC");
  CHECK(cut(split_character) == Cut{message(Kind::text, "\xE2\x82\xAC")});
  for (const char* text : {"\xff", "cut off \xE2\x82", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80"}) {
    INFO(text);
    const Cut got = cut(frame(Opcode::text, text) + frame(Opcode::text, "after"));
    REQUIRE(got.size() == 1);
    CHECK(got[0].kind == Kind::violation);
    CHECK(got[0].code == 1007);
    CHECK(cut(frame(Opcode::binary, text)) == Cut{message(Kind::binary, text)});
    CHECK(cut(frame(Opcode::text, text) + frame(Opcode::text, "after"), lenient) ==
          Cut{message(Kind::text, text), message(Kind::text, "after")});
  }
}

TEST_CASE("close frames: which codes there may be, and what follows is not read") {
  const auto closing = [](const std::string& payload) {
    return cut(frame(Opcode::close, payload) + frame(Opcode::text, "after"));
  };
  CHECK(closing("") == Cut{Piece{Kind::close, "", 0, 1005}});
  CHECK(closing(close_payload(1000)) == Cut{Piece{Kind::close, "", 0, 1000}});
  CHECK(closing(close_payload(1001, "gone")) == Cut{Piece{Kind::close, "gone", 0, 1001}});
  for (const int code :
       {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999}) {
    INFO(code);
    CHECK(closing(close_payload(static_cast<uint16_t>(code))) ==
          Cut{Piece{Kind::close, "", 0, static_cast<uint16_t>(code)}});
  }
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    INFO(code);
    const Cut got = closing(close_payload(static_cast<uint16_t>(code)));
    REQUIRE(got.size() == 1);
    CHECK(got[0].kind == Kind::violation);
    CHECK(got[0].code == 1002);
  }
  CHECK(closing("\x03").at(0).code == 1002);
  CHECK(closing(close_payload(1000, "\xff")).at(0).code == 1007);
}

TEST_CASE("what breaks the protocol is told, and what follows is not read") {
  const std::tuple<const char*, std::string, WebSocketRole> table[] = {
      {"reserved bit", bytes({0xC1, 0x00}), WebSocketRole::client},
      {"reserved bit", bytes({0xA1, 0x00}), WebSocketRole::client},
      {"reserved bit", bytes({0x91, 0x00}), WebSocketRole::client},
      {"opcode", bytes({0x83, 0x00}), WebSocketRole::client},
      {"opcode", bytes({0x87, 0x00}), WebSocketRole::client},
      {"opcode", bytes({0x8B, 0x00}), WebSocketRole::client},
      {"opcode", bytes({0x8F, 0x00}), WebSocketRole::client},
      {"masked", frame(Opcode::text, "a", rfc_mask), WebSocketRole::client},
      {"not masked", frame(Opcode::text, "a"), WebSocketRole::server},
      {"control frame is fragmented", bytes({0x09, 0x00}), WebSocketRole::client},
      {"control frame is over 125", bytes({0x89, 0x7E, 0x00, 0x7E}), WebSocketRole::client},
      {"more bytes than it needs", bytes({0x81, 0x7E, 0x00, 0x7D}), WebSocketRole::client},
      {"more bytes than it needs", bytes({0x81, 0x7F, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}), WebSocketRole::client},
      {"63 bits", bytes({0x81, 0x7F, 0x80, 0, 0, 0, 0, 0, 0, 0}), WebSocketRole::client},
      {"continues no message", bytes({0x80, 0x00}), WebSocketRole::client},
      {"within another", bytes({0x01, 0x00, 0x81, 0x00}), WebSocketRole::client},
      {"half a code", bytes({0x88, 0x01, 0x03}), WebSocketRole::client},
  };
  for (const auto& [what, stream, role] : table) {
    INFO(what);
    FrameReaderOptions options;
    options.role = role;
    const Cut got =
        cut(stream + frame(Opcode::text, "after") + frame(Opcode::text, "after", rfc_mask), options);
    REQUIRE(got.size() == 1);
    CHECK(got[0].kind == Kind::violation);
    CHECK(got[0].code == 1002);
    CHECK_THAT(got[0].payload, ContainsSubstring(what));
  }
}
