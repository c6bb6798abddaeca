#include "json/escapes.h"

#include <algorithm>
#include <iterator>
#include <random>
#include <string>

#include "json/padded_text.h"
#include "json/scan.h"
#include "tests/catch.h"

using namespace aribus;

namespace {

// How many bytes the escape that `text` begins with has; 0 if it is invalid.
size_t escape_size(std::string_view text) {
  PaddedText padded;
  REQUIRE(padded.set(text));
  const char* const begin = padded.view().data();
  const char* const end = behind_escape(begin);
  return end == nullptr ? 0 : static_cast<size_t>(end - begin);
}

}  // namespace

TEST_CASE("an escape has two, six or twelve bytes") {
  for (const char letter : std::string_view("\"\\/bfnrt")) {
    CHECK(escape_size(std::string("\\") + letter) == 2);
    CHECK(escape_size(std::string("\\") + letter + "\\n") == 2);
  }
  for (const char* text :
       {R"(\u0000)", R"(\u0041)", R"(\u00e9)", R"(\u00E9)", R"(\ud7ff)", R"(\ue000)", R"(\uffff)"}) {
    INFO(text);
    CHECK(escape_size(text) == 6);
    CHECK(escape_size(std::string(text) + "0") == 6);
  }
  for (const char* text : {R"(\ud800\udc00)", R"(\uD83D\uDE00)", R"(\udbff\udfff)"}) {
    INFO(text);
    CHECK(escape_size(text) == 12);
  }
}

TEST_CASE("an escape of another letter, of fewer digits, or half a surrogate pair is invalid") {
  for (int letter = 1; letter < 128; ++letter) {
    if (std::string_view("\"\\/bfnrtu").find(static_cast<char>(letter)) != std::string_view::npos) continue;
    CHECK(escape_size(std::string("\\") + static_cast<char>(letter) + "0041") == 0);
  }
  for (const char* text :
       {R"(\)", R"(\u)", R"(\u0)", R"(\u00)", R"(\u004)", R"(\u004g)", R"(\u-041)", R"(\u 041)", R"(\ud800)",
        R"(\ud800x)", R"(\ud800\n)", R"(\ud800\u)", R"(\ud800\u0041)", R"(\ud800\ud800)", R"(\ud800\udc0)",
        R"(\udc00)", R"(\udc00\ud800)", R"(\udfff)"}) {
    INFO(text);
    CHECK(escape_size(text) == 0);
  }
}

TEST_CASE("every code point is decoded to its UTF-8") {
  const auto decoded = [](std::string_view raw) {
    std::string out = "<";
    append_decoded(out, raw);
    return out + ">";
  };
  CHECK(decoded("") == "<>");
  CHECK(decoded(R"(\"\\\/\b\f\n\r\t)") == "<\"\\/\b\f\n\r\t>");
  CHECK(decoded(R"(a\u0041b\u00e9c\u20acd\ud83d\ude00e)") == "<aAbéc€d😀e>");
  CHECK(decoded(R"(\u0000)") == std::string("<\0>", 3));
  CHECK(decoded(R"(\u007f\u0080\u07ff\u0800\uffff\ud800\udc00\udbff\udfff)") ==
        "<\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF>");
}

TEST_CASE("a string ends at its quote, behind all of its escapes") {
  PaddedText text;
  const auto size = [&](std::string_view inside, bool& escaped) -> int {
    REQUIRE(text.set(inside));
    escaped = false;
    const char* const end = string_end(text.view().data(), escaped);
    return end == nullptr ? -1 : static_cast<int>(end - text.view().data());
  };
  bool escaped = false;
  CHECK(size(R"(plain")", escaped) == 5);
  CHECK_FALSE(escaped);
  CHECK(size(R"(a\"b\\")", escaped) == 6);
  CHECK(escaped);
  CHECK(size(R"(a text that is longer than one block \u0041 and has more ")", escaped) == 57);
  for (const char* inside :
       {"", "no end", R"(\)", R"(\")", R"(\x")", "a\x01\"", "a\n\"", R"(\ud800")", R"(\\\")"}) {
    INFO(inside);
    CHECK(size(inside, escaped) == -1);
  }
}

TEST_CASE("a string with many escapes ends where the first quote is that belongs to none") {
  static constexpr std::string_view pieces[] = {R"(\")",     R"(\\)",     R"(\/)",
                                                R"(\n)",     R"(\u0041)", R"(\ud83d\ude00)",
                                                "x",         "é",         "an ordinary piece of text",
                                                "\x01",      "\"",        R"(\x)",
                                                R"(\ud83d)", R"(\u12g4)"};
  constexpr size_t good = 9;  // of them
  std::mt19937 random(20261127);
  PaddedText text;
  for (int round = 0; round < 20'000; ++round) {
    std::string inside;
    for (size_t count = random() % 24; count > 0; --count) inside += pieces[random() % good];
    const size_t end = inside.size();
    const std::string_view last = round % 4 == 0 ? pieces[random() % std::size(pieces)] : "\"";
    inside += last;
    inside += R"(,"more\\":"\n"})";
    REQUIRE(text.set(inside));
    bool escaped = false;
    const char* const found = string_end(text.view().data(), escaped);
    INFO(inside);
    if (last == "\"") {
      REQUIRE(found == text.view().data() + end);
      REQUIRE(escaped == (inside.find('\\') < end));
    } else if (std::ranges::find(pieces + good, std::end(pieces), last) != std::end(pieces)) {
      REQUIRE(found == nullptr);
    }
  }
}
