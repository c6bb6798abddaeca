#include "cli/paragraph.h"

#include "tests/catch.h"

using namespace aribus;
using namespace aribus::cli;

TEST_CASE("a paragraph is broken between words, and the words keep their styles") {
  const std::vector<Text> lines = paragraph(Text("one ") + Text("two three", Style::red) + " four", 12, 2);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].printed(true) == "  one \x1b[31mtwo\x1b[0m");
  CHECK(lines[1].printed(true) == "      \x1b[31mthree\x1b[0m");
  CHECK(lines[2].printed(true) == "      four");
  CHECK(paragraph("", 80, 2).empty());
}
