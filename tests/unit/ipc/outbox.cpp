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
