// docs/coverage.md says what the tests show, and they show everything.
#include "tests/call/coverage.h"

#include <cstdlib>

namespace aribus::test {
namespace {

// A value that passes the check of parameters.
std::string example_of(const ari::Parameter& parameter) {
  using ari::Type;
  if (parameter.type == Type::object) return "{}";
  if (parameter.type == Type::integer) return "1";
  if (parameter.type == Type::boolean) return "true";
  return Argument::quoted(parameter.values.empty() ? "none" : parameter.values.front());
}

std::string required_parameters(const ari::Operation& operation) {
  std::string text;
  for (const auto& parameter : operation.parameters) {
    if (!parameter.required) continue;
    text += (text.empty() ? "" : ",") + Argument::quoted(parameter.name) + ":" + example_of(parameter);
  }
  return "{" + text + "}";
}

}  // namespace

TEST_CASE("every operation and event that ARI declares is shown by a test", "[coverage]") {
  CHECK(gaps_in_coverage() == std::vector<std::string>{});
}

TEST_CASE("docs/coverage.md says what the tests show", "[coverage]") {
  const std::string file = ARIBUS_SOURCE_DIR "/docs/coverage.md";
  if (std::getenv("ARIBUS_WRITE_COVERAGE") != nullptr) write_file(file, coverage_document());
  CHECK(read_file(file) == coverage_document());
}

TEST_CASE("what an Asterisk is too old for is refused as that", "[call]") {
  on_each_version([](const std::string& version) {
    Stage stage(version);
    for (const auto& operation : ari::operations()) {
      if (has(version, operation.absent_in)) continue;
      INFO(operation.name);
      const Error error = stage.program.refused(std::string(operation.name), required_parameters(operation));
      CHECK(error.kind == ErrorKind::too_old);  // -32005
      CHECK_THAT(error.data, ContainsSubstring("\"since\":" + Argument::quoted(operation.since)));
    }
  });
}

}  // namespace aribus::test
