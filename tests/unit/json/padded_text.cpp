#include "json/padded_text.h"

#include <algorithm>
#include <string>

#include "tests/catch.h"

using namespace aribus;

TEST_CASE("zeros follow a text, whatever was there before") {
  PaddedText text;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{5000}, size_t{31}, size_t{4 << 20}, size_t{32}}) {
    REQUIRE(text.set(std::string(size, 'x')));
    REQUIRE(text.view() == std::string(size, 'x'));
    const char* const behind = text.view().data() + size;
    CHECK(std::all_of(behind, behind + PaddedText::padding, [](char c) { return c == 0; }));
  }
}

TEST_CASE("a text that is no UTF-8 is refused") {
  PaddedText text;
  CHECK(text.set("\xC3\xA9"));
  for (const char* wrong : {"\xC3", "\xFF", "\xED\xA0\x80", "\xC0\x80", "\xF4\x90\x80\x80"})
    CHECK_FALSE(text.set(wrong));
  CHECK(text.set("again"));
}
