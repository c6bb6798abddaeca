#include "session/line_reader.h"

#include <vector>

#include "tests/catch.h"

using namespace aribus::session;
using Strings = std::vector<std::string>;

namespace {

struct Reading {
  Strings seen;  // lines, and "!" for each that was too long
  LineReader reader;

  explicit Reading(size_t max_line_bytes = 10)
      : reader([=] { return max_line_bytes; }, {[this](std::string_view line) { seen.emplace_back(line); },
                                                [this](auto) { seen.emplace_back("!"); }}) {}
  Strings operator()(std::initializer_list<std::string_view> pieces) {
    for (std::string_view piece : pieces) {
      while (!piece.empty()) piece.remove_prefix(reader.feed(piece));
    }
    return seen;
  }
};

}  // namespace

TEST_CASE("a line is given when its end has come") {
  CHECK(Reading()({"abc"}) == Strings{});
  CHECK(Reading()({"abc\n"}) == Strings{"abc"});
  CHECK(Reading()({"ab", "", "c", "\n"}) == Strings{"abc"});
  CHECK(Reading()({"a\nb\nc"}) == Strings{"a", "b"});
  CHECK(Reading()({"a\nb", "c\nd", "\n"}) == Strings{"a", "bc", "d"});
}

TEST_CASE("a line may end in CR LF, wherever it is cut") {
  CHECK(Reading()({"abc\r\ndef\r\n"}) == Strings{"abc", "def"});
  CHECK(Reading()({"abc\r", "\ndef\n"}) == Strings{"abc", "def"});
  CHECK(Reading()({"a\rb\n"}) == Strings{"a\rb"});
}

TEST_CASE("empty lines are passed over") {
  CHECK(Reading()({"\n\r\n\n", "\r", "\na\n\n"}) == Strings{"a"});
}

TEST_CASE("bytes of any value are part of a line") {
  CHECK(Reading()({std::string_view("\0\xFF\n", 3)}) == Strings{std::string("\0\xFF", 2)});
}

TEST_CASE("a line may be as long as the bound") {
  CHECK(Reading()({"0123456789\n"}) == Strings{"0123456789"});
  CHECK(Reading()({"01234", "56789", "\n"}) == Strings{"0123456789"});
}

TEST_CASE("a line over the bound is told once and skipped, and the next one is read") {
  CHECK(Reading()({"0123456789A\nok\n"}) == Strings{"!", "ok"});
  CHECK(Reading()({"0123456789", "A", "BC", "D\nok\n"}) == Strings{"!", "ok"});
  CHECK(Reading()({"0123456789ABCDEFGHIJ"}) == Strings{"!"});
  CHECK(Reading()({"0123456789ABC", "\n", "0123456789ABC\nok\n"}) == Strings{"!", "!", "ok"});
}

TEST_CASE("the cuts do not matter") {
  const std::string text = "one\ntwo\r\n\nthree is too long\nfour\n";
  for (size_t first = 0; first <= text.size(); ++first) {
    for (size_t second = first; second <= text.size(); ++second) {
      const std::string_view view = text;
      REQUIRE(Reading()({view.substr(0, first), view.substr(first, second - first), view.substr(second)}) ==
              Strings{"one", "two", "!", "four"});
    }
  }
}

TEST_CASE("no more than one line is taken at a time") {
  Reading reading;
  CHECK(reading.reader.feed("a\nb\nc") == 2);
  CHECK(reading.seen == Strings{"a"});
  CHECK(reading.reader.feed("b\nc") == 2);
  CHECK(reading.reader.feed("c") == 1);
  CHECK(reading.seen == Strings{"a", "b"});
}

TEST_CASE("of a line that is too long its beginning is told") {
  std::string told;
  LineReader reader([] { return 10; },
                    {[](std::string_view) {}, [&](std::string_view beginning) { told = beginning; }});
  reader.feed("0123456789abc");
  CHECK(told == "0123456789abc");  // in one piece
  reader.feed("\n");
  reader.feed("0123456");
  reader.feed("789abc\n");
  CHECK(told == "0123456789abc");
}
