// How wide texts are on a terminal.
#include "cli/terminal.h"

#include "tests/catch.h"

using namespace aribus::cli;

TEST_CASE("a text is as wide as a terminal shows it") {
  CHECK(cells("Alice") == 5);
  CHECK(cells("日本語") == 6);
  CHECK(cells("📞") == 2);
  CHECK(cells("e\u0301") == 1);             // é of two characters
  CHECK(cells("\u1112\u1161\u11ab") == 2);  // a syllable of three
  CHECK(cells("שלום") == 4);
  CHECK(cells("\u2764\ufe0f") == 1);  // its presentation is not chosen, see fitted()
  CHECK(cells("a\x1b[2Jb") == 6);     // as Output shows it, with '?'
  CHECK(cells("a\xffz") == 3);
}

TEST_CASE("a text is fitted to exactly so many cells, and what was cut is marked") {
  CHECK(fitted("Alice", 8) == "Alice   ");
  CHECK(fitted("Alice", 5) == "Alice");
  CHECK(fitted("Alice", 4) == "Ali…");
  CHECK(fitted("Alice", 1) == "…");
  CHECK(fitted("Alice", 0) == "");
  CHECK(fitted("日本語", 6) == "日本語");
  CHECK(fitted("日本語", 5) == "日本…");
  CHECK(fitted("日本語", 4) == "日… ");  // half a character can't be shown
  CHECK(fitted("e\u0301e\u0301e\u0301", 2) == "e\u0301…");
  CHECK(fitted("\u2764\ufe0f!", 3) == "\u2764! ");
  CHECK(fitted("a\nb", 3) == "a?b");
  for (size_t columns = 0; columns < 20; ++columns)
    CHECK(cells(fitted("日本e\u0301語📞שלום", columns)) == columns);
}

TEST_CASE("a number stays when its caller's name is cut") {
  CHECK(fitted_who("Alice Example <100>", 19) == "Alice Example <100>");
  CHECK(fitted_who("Alice Example <100>", 15) == "Alice Ex… <100>");
  CHECK(fitted_who("日本語テスト太郎 <100>", 15) == "日本語テ… <100>");
  CHECK(fitted_who("日本語テスト太郎 <100>", 14) == "日本語…  <100>");
  CHECK(fitted_who("Alice Example <+49301234567>", 15) == "<+49301234567> ");
  CHECK(fitted_who("100", 5) == "100  ");
}

TEST_CASE("halves of Local channels are known by their names") {
  CHECK(local_half("Local/100@default-00000001;2") ==
        std::pair(std::string_view("Local/100@default-00000001"), 2));
  CHECK(local_half("Local/100@default-00000001;1").second == 1);
  CHECK(local_half("PJSIP/100-00000001").second == 0);
  CHECK(local_half("PJSIP/a;1").second == 0);
}
