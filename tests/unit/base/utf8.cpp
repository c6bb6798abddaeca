#include "base/utf8.h"

#include "tests/catch.h"

using namespace aribus;

namespace {

constexpr size_t plenty = 1000;
const std::string bad = "\xEF\xBF\xBD";  // U+FFFD

}  // namespace

TEST_CASE("well-formed UTF-8 stays as it is") {
  const std::string texts[] = {"",
                               "plain",
                               "\xC2\x80",
                               "\xC3\xA9",
                               "\xE0\xA0\x80",
                               "\xED\x9F\xBF",
                               "\xEE\x80\x80",
                               "\xF0\x90\x80\x80",
                               "\xF4\x8F\xBF\xBF",
                               std::string("a\0b", 3)};
  for (const std::string& text : texts) CHECK(to_valid_utf8(text, plenty) == text);
}

TEST_CASE("a truncated sequence is replaced and what follows it kept") {
  CHECK(to_valid_utf8("a\xC3", plenty) == "a" + bad);
  CHECK(to_valid_utf8("\xC3z", plenty) == bad + "z");
  CHECK(to_valid_utf8("\xE2\x82z", plenty) == bad + bad + "z");
  CHECK(to_valid_utf8("\xF0\x9F\x93\xC3\xA9", plenty) == bad + bad + bad + "\xC3\xA9");
}

TEST_CASE("bytes that begin nothing are replaced") {
  CHECK(to_valid_utf8("\x80", plenty) == bad);
  CHECK(to_valid_utf8("\xFE\xFF", plenty) == bad + bad);
  CHECK(to_valid_utf8("\xF5\x80\x80\x80", plenty) == bad + bad + bad + bad);
}

TEST_CASE("overlong forms, surrogates and what is above U+10FFFF are replaced") {
  CHECK(to_valid_utf8("\xC0\xAF", plenty) == bad + bad);
  CHECK(to_valid_utf8("\xC1\xBF", plenty) == bad + bad);
  CHECK(to_valid_utf8("\xE0\x9F\xBF", plenty) == bad + bad + bad);
  CHECK(to_valid_utf8("\xF0\x8F\xBF\xBF", plenty) == bad + bad + bad + bad);
  CHECK(to_valid_utf8("\xED\xA0\x80", plenty) == bad + bad + bad);
  CHECK(to_valid_utf8("\xED\xBF\xBF", plenty) == bad + bad + bad);
  CHECK(to_valid_utf8("\xF4\x90\x80\x80", plenty) == bad + bad + bad + bad);
}

TEST_CASE("a text is cut at the boundary of a character") {
  const std::string text = "a\xC3\xA9\xF0\x9F\x93\x9E";
  CHECK(to_valid_utf8(text, 0) == "");
  CHECK(to_valid_utf8(text, 1) == "a");
  CHECK(to_valid_utf8(text, 2) == "a");
  CHECK(to_valid_utf8(text, 3) == "a\xC3\xA9");
  CHECK(to_valid_utf8(text, 6) == "a\xC3\xA9");
  CHECK(to_valid_utf8(text, 7) == text);
  CHECK(to_valid_utf8("\xFF", 2) == "");  // the replacement has three bytes
}

TEST_CASE("what moves a terminal is escaped, and everything else stays") {
  CHECK(escape_controls("plain, \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x93\x9E \\x")
            .compare("plain, \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x93\x9E \\x") == 0);
  CHECK(escape_controls("").empty());
  CHECK(escape_controls("a\nb\r\t") == R"(a\nb\r\t)");
  CHECK(escape_controls("a\nb\t", "\n") == "a\nb\\t");
  CHECK(escape_controls(std::string_view("\0\x1b\x7f", 3)) == R"(\x00\x1b\x7f)");
  CHECK(escape_controls("\xC2\x80\xC2\x9F\xC2\xA0") == "\\u0080\\u009f\xC2\xA0");
  CHECK(escape_controls("\xE2\x80\xAA\xE2\x80\xAE\xE2\x81\xA6\xD8\x9C\xE2\x80\x8F") ==
        R"(\u202a\u202e\u2066\u061c\u200f)");
  CHECK(escape_controls("\xF3\xA0\x81\x81") == R"(\ue0041)");
  for (const char* bytes :
       {"\x9b", "\xC2", "\xC0\x8A", "\xE0\x80\x8A", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF"}) {
    for (const char c : escape_controls(bytes)) CHECK((c >= ' ' && c < 0x7F));
  }
}
