#include "session/write_buffer.h"

#include "tests/catch.h"

using namespace aribus::session;

TEST_CASE("an outbox gives bytes in the order in which they came") {
  WriteBuffer buffer;
  CHECK(buffer.empty());
  buffer.append("abc");
  buffer.append("def");
  CHECK(buffer.size() == 6);
  CHECK(buffer.bytes() == "abcdef");
  buffer.consume(2);
  CHECK(buffer.bytes() == "cdef");
  buffer.append("ghi");
  CHECK(buffer.bytes() == "cdefghi");
  CHECK(buffer.size() == 7);
  buffer.consume(7);
  CHECK(buffer.empty());
  CHECK(buffer.size() == 0);
  buffer.append("");
  CHECK(buffer.empty());
}

TEST_CASE("an outbox loses no byte, however it is filled and emptied") {
  WriteBuffer buffer;
  std::string in, out;
  for (unsigned i = 0; i < 5000; ++i) {
    const std::string piece(i * 31 % 97, static_cast<char>('a' + i % 26));
    in += piece;
    buffer.append(piece);
    const size_t count = std::min<size_t>(buffer.size(), i * 17 % 90);
    out += buffer.bytes().substr(0, count);
    buffer.consume(count);
    REQUIRE(buffer.size() == in.size() - out.size());
  }
  out += buffer.bytes();
  CHECK(in == out);
}

TEST_CASE("bytes go out as base64, whatever their number, between other texts") {
  for (const size_t size : {0U, 1U, 2U, 3U, 4U, 49'151U, 49'152U, 49'153U, 200'000U}) {
    INFO(size);
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 37);
    const auto result = aribus::pbx::ResultText("{\"data\":\"").add_base64(bytes).add("\"}");
    WriteBuffer buffer;
    buffer.append("before ");
    for (const auto& piece : result.pieces()) buffer.append(piece, {});
    buffer.append(" behind");
    const std::string expected = "before " + result.str() + " behind";
    CHECK(buffer.size() == expected.size());
    std::string out;
    while (!buffer.empty()) {
      const std::string piece(buffer.bytes().substr(0, 7919));
      out += piece;
      buffer.consume(piece.size());
      REQUIRE(buffer.size() == expected.size() - out.size());
    }
    CHECK(out == expected);
    CHECK(buffer.own_bytes() == 0);
  }
}

TEST_CASE("what waits in one outbox goes behind what waits in another") {
  WriteBuffer first, second;
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
