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

namespace {

// Gives "0", "", "1", "", … up to `count` pieces of some length; some are not ready at once.
class Made : public aribus::pbx::MadeText {
 public:
  Made(int count, size_t said) : count_(count), said_(said) {}
  std::unique_ptr<Reader> read() const override { return std::make_unique<Its>(count_); }
  size_t size() const override { return said_; }
  size_t held_bytes() const override { return held; }
  std::string whole() const {
    std::string text;
    for (int i = 0; i < count_; ++i) text += piece(i);
    return text;
  }
  size_t held = 100;

 private:
  static std::string piece(int i) { return std::string(static_cast<size_t>(1 + i % 70), static_cast<char>('a' + i % 26)); }
  struct Its : Reader {
    explicit Its(int its_count) : count(its_count) {}
    bool next(std::string& text) override {
      text.clear();
      if (step++ % 2 == 1) return true;
      text = piece(at++);
      return at < count;
    }
    int count, at = 0, step = 0;
  };
  int count_;
  size_t said_;
};

}  // namespace

TEST_CASE("a text that is made while it is written comes whole, whatever it said of its size") {
  for (const size_t said : {0, 10, 100'000}) {
    for (const int count : {1, 2, 100}) {
      const std::shared_ptr<const Made> made = std::make_shared<const Made>(count, said);
      WriteBuffer buffer;
      buffer.append("before ");
      aribus::pbx::ResultText result("(");
      result.add(std::shared_ptr<const aribus::pbx::MadeText>(made)).add(std::string(")"));
      for (const auto& piece : result.pieces()) buffer.append(piece, {});
      buffer.append(" after");
      std::string out;
      for (int i = 0; !buffer.empty(); ++i) {
        const std::string_view bytes = buffer.bytes().substr(0, static_cast<size_t>(1 + i % 13));
        out += bytes;
        buffer.consume(bytes.size());
      }
      CHECK(out == "before (" + made->whole() + ") after");
      CHECK(result.str() == "(" + made->whole() + ")");
      CHECK(buffer.size() == 0);
      CHECK(buffer.own_bytes() == 0);
    }
  }
}

TEST_CASE("what a text that is being made holds is counted anew") {
  Quota quota;
  const auto made = std::make_shared<Made>(10, 100);
  {
    WriteBuffer one, other;
    one.append({.text = {}, .made = made}, Quota::Held(quota, 7, made, made->held_bytes()));
    other.append({.text = {}, .made = made}, Quota::Held(quota, 7, made, made->held_bytes()));
    CHECK(quota.held_bytes(7) == 100);
    made->held = 5000;
    one.recount();
    other.recount();
    CHECK(quota.held_bytes(7) == 5000);
    CHECK(quota.held_bytes() == 5000);
  }
  CHECK(quota.held_bytes(7) == 0);
  CHECK(quota.held_bytes() == 0);
}
