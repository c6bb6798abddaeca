// The one place that prints.
#include "cli/output.h"

#include <filesystem>
#include <fstream>
#include <regex>

#include "tests/catch.h"
#include "tests/support/terminal.h"
#include "tests/unit/helpers.h"

using namespace aribus;
using namespace aribus::cli;
using aribus::test::harm_in;
using aribus::test::poison_in_json;

namespace {

std::string in_utf8(char32_t code) {
  std::string out;
  if (code < 0x80) return {static_cast<char>(code)};
  if (code >= 0x10000) {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
  } else if (code >= 0x800) {
    out += static_cast<char>(0xE0 | code >> 12);
  } else {
    return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
  }
  out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
  out += static_cast<char>(0x80 | (code & 0x3F));
  return out;
}

// What `print` prints to a file.
template <typename Print>
std::string printed(Print print) {
  char* text = nullptr;
  size_t size = 0;
  std::FILE* file = ::open_memstream(&text, &size);
  Output output(file);
  print(output);
  std::fclose(file);
  std::string out(text, size);
  std::free(text);
  return out;
}

}  // namespace

TEST_CASE("characters that a terminal obeys, or that hide or turn text around, become question marks") {
  for (char32_t code = 0; code < 0x20; ++code)
    CHECK(harmless(std::string(1, static_cast<char>(code))) == "?");
  for (char32_t code = 0x7F; code < 0xA0; ++code) CHECK(harmless(in_utf8(code)) == "?");
  for (const char32_t code :
       {0x61C,  0x180E, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2028, 0x2029, 0x202A, 0x202B,
        0x202C, 0x202D, 0x202E, 0x2060, 0x2066, 0x2067, 0x2068, 0x2069, 0xFEFF, 0xFFF9, 0xE0041}) {
    CHECK(harmless("a" + in_utf8(code) + "b") == "a?b");
  }
  const std::string good = "Größe \"1\" Ж 漢字 𝄞 שלום — … µs";
  CHECK(harmless(good) == good);
}

TEST_CASE("bytes that are no UTF-8 become question marks") {
  CHECK(harmless("\xFF") == "?");
  CHECK(harmless("a\x9B"
                 "2J") == "a?2J");  // C1 in Latin-1
  CHECK(harmless("\xC2") == "?");
  CHECK(harmless("\xC1\x9B") == "??");       // overlong
  CHECK(harmless("\xE0\x82\x9B") == "???");  // overlong U+009B
  CHECK(harmless("\xF0\x80\x82\x9B") == "????");
  CHECK(harmless("\xED\xA0\x80") == "???");       // half of a pair
  CHECK(harmless("\xF4\x90\x80\x80") == "????");  // beyond Unicode
  CHECK(harmless("\xE2\x80") == "??");
  CHECK(harmless("\xE2\x80\x1b[") == "???[");
}

TEST_CASE("JSON with escapes is the same JSON") {
  const std::string text = "{\"a" + std::string(poison_in_json) + "\":[\"" + std::string(poison_in_json) +
                           "\",\"é 𝄞 \xF3\xA0\x81\x81\",1.5,null]}";
  const std::string harmless = harmless_json(text);
  CHECK(harm_in(harmless) == "");
  CHECK((test::json(harmless) == test::json(text)));
  CHECK_THAT(harmless, ContainsSubstring("\\u009b") && ContainsSubstring("é 𝄞 \\udb40\\udc41"));
  CHECK(harmless_json("\"\xFF\"") == "\"\\ufffd\"");
}

TEST_CASE("what is printed keeps its own lines, and takes none from elsewhere") {
  CHECK(printed([](Output& to) { to.line("a\nforged\x1b[2J"); }) == "a?forged?[2J\n");
  CHECK(printed([](Output& to) { to.line(Text("a", Style::red) + "b"); }) == "ab\n");
  CHECK(printed([](Output& to) { to.lines("a\n\nb\x1b\n"); }) == "a\n\nb?\n");
  CHECK(printed([](Output& to) { to.json("{\"a\":\"\x7F\"}"); }) == "{\"a\":\"\\u007f\"}\n");
  CHECK(printed([](Output& to) { to.passing("a"); }).empty());
  CHECK((Text("a\x1b", Style::red) + "b").printed(true) == "\x1b[31ma?\x1b[0mb");
}

// A file that prints by itself would pass all this by.
TEST_CASE("no other file of the tool writes to standard output or standard error") {
  const std::regex writes(
      R"(\b(stdout|stderr|cout|cerr|clog|STDOUT_FILENO|STDERR_FILENO)\b)"
      R"(|\b(v?[fd]?printf|f?puts|f?putc|putchar|fwrite|perror|write)\(|/dev/(stdout|stderr|tty))");
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(ARIBUS_SOURCE_DIR "/cli")) {
    const auto extension = entry.path().extension();
    if (extension != ".cpp" && extension != ".h") continue;
    ++files;
    // A recording writes to the file that was named, as harmless JSON.
    if (entry.path().stem() == "output" || entry.path().stem() == "recording") continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      INFO(entry.path() << ": " << line);
      CHECK_FALSE(std::regex_search(line, writes));
    }
  }
  CHECK(files > 20);
}
