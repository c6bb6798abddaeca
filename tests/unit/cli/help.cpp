// The --help of every command: what it takes is in it, and it can be read on a screen of 80 columns.
#include "cli/help.h"

#include "cli/invoke.h"
#include "cli/methods.h"
#include "tests/catch.h"

using namespace aribus;
using namespace aribus::cli;

namespace {

std::string joined_lines(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

size_t characters(const std::string& text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

TEST_CASE("the help of every command lists its options and parameters, in whole sentences") {
  for (const Command& command : commands()) {
    if (command.summary.empty()) continue;  // for the shells
    INFO(command.name);
    const std::vector<std::string> lines = help_of(command, 80);
    const std::string text = joined_lines(lines);
    CHECK(text.starts_with("Usage: aribus " + std::string(command.name)));
    REQUIRE(lines.size() > 2);
    CHECK(lines[1].empty());
    CHECK((lines[2].front() >= 'A' && lines[2].front() <= 'Z'));
    for (const std::string& line : lines) {
      INFO(line);
      CHECK_FALSE(line.ends_with(' '));
      CHECK(characters(line) <= 80);
    }
    for (const Option& option : command.options)
      CHECK_THAT(text, ContainsSubstring("  --" + std::string(option.name)));
    if (command.run != verb) continue;
    const auto parameters = Methods::built_in().parameters(command.name);
    CHECK(parameters.size() > 3);
    for (const auto& parameter : parameters)
      CHECK_THAT(text, ContainsSubstring("\n  " + std::string(parameter.name) + "="));
  }
}

TEST_CASE("the usage names every command") {
  const std::vector<std::string> lines = usage(80);
  const std::string text = joined_lines(lines);
  for (const std::string& line : lines) CHECK(characters(line) <= 80);
  for (const Command& command : commands()) {
    if (!command.summary.empty())
      CHECK_THAT(text, ContainsSubstring("\n  " + std::string(command.name) + " "));
  }
}
