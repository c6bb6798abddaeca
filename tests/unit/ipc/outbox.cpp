#include "ipc/outbox.h"

#include "tests/catch.h"

using namespace aribus::ipc;

TEST_CASE("an outbox gives bytes in the order in which they came") {
  Outbox outbox;
  CHECK(outbox.empty());
  outbox.append("abc");
  outbox.append("def");
  CHECK(outbox.size() == 6);
  CHECK(outbox.bytes() == "abcdef");
  outbox.consume(2);
  CHECK(outbox.bytes() == "cdef");
  outbox.append("ghi");
  CHECK(outbox.bytes() == "cdefghi");
  CHECK(outbox.size() == 7);
  outbox.consume(7);
  CHECK(outbox.empty());
  CHECK(outbox.size() == 0);
  outbox.append("");
  CHECK(outbox.empty());
}

TEST_CASE("an outbox loses no byte, however it is filled and emptied") {
  Outbox outbox;
  std::string in, out;
  for (unsigned i = 0; i < 5000; ++i) {
    const std::string piece(i * 31 % 97, static_cast<char>('a' + i % 26));
    in += piece;
    outbox.append(piece);
    const size_t count = std::min<size_t>(outbox.size(), i * 17 % 90);
    out += outbox.bytes().substr(0, count);
    outbox.consume(count);
    REQUIRE(outbox.size() == in.size() - out.size());
  }
  out += outbox.bytes();
  CHECK(in == out);
}

TEST_CASE("bytes go out as base64, whatever their number, between other texts") {
  for (const size_t size : {0U, 1U, 2U, 3U, 4U, 49'151U, 49'152U, 49'153U, 200'000U}) {
    INFO(size);
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 37);
    const auto result = aribus::control::ResultText("{\"data\":\"").add_base64(bytes).add("\"}");
    Outbox outbox;
    outbox.append("before ");
    for (const auto& piece : result.pieces()) outbox.append(piece, {});
    outbox.append(" behind");
    const std::string expected = "before " + result.str() + " behind";
    CHECK(outbox.size() == expected.size());
    std::string out;
    while (!outbox.empty()) {
      const std::string piece(outbox.bytes().substr(0, 7919));
      out += piece;
      outbox.consume(piece.size());
      REQUIRE(outbox.size() == expected.size() - out.size());
    }
    CHECK(out == expected);
    CHECK(outbox.own_bytes() == 0);
  }
}

TEST_CASE("what waits in one outbox goes behind what waits in another") {
  Outbox first, second;
  first.append("abc");
  second.append("def");
  second.append({std::make_shared<const std::string>("xyz"), false}, {});
  first.append(std::move(second));
  first.append("!");
  CHECK(first.size() == 10);
  std::string out;
  while (!first.empty()) {
    out += first.bytes();
    first.consume(first.bytes().size());
  }
  CHECK(out == "abcdefxyz!");
}
