#include "service/failure.h"

#include <cstdio>
#include <sstream>
#include <string>

#include "base/utf8.h"
#include "base/journal_sink.h"

namespace aribus::service {

int fail(std::string_view program, const Error& error, int status) {
  // The journal reads a priority before the text (sd-daemon(3)).
  const char* priority = JournalSink::is_standard_error() ? "<3>" : "";
  std::istringstream lines(error.message);
  for (std::string line; std::getline(lines, line);) {
    std::fprintf(stderr, "%s%s: %s\n", priority, std::string(program).c_str(), escape_controls(line).c_str());
  }
  return status;
}

}  // namespace aribus::service
