// The output of `aribus doctor`.
#pragma once

#include <cstddef>
#include <string>

#include "cli/output.h"

namespace aribus::cli {

// What is wrong, or worth knowing, and what to do about it ("" if `what` says it). Texts need no escaping:
// Output does that.
struct Finding {
  std::string what;
  std::string cure;
};

// Prints the findings one by one, as some take seconds to come, and counts what is wrong.
class Report {
 public:
  Report() = default;
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;

  void title(const std::string& text);
  // What is being checked: shown on a terminal until the next line.
  void doing(const std::string& text);
  void good(const std::string& what);
  void note(const Finding& finding);
  void wrong(const Finding& finding);
  [[nodiscard]] size_t count() const { return wrong_; }

 private:
  void line(const char* verdict, Style style, const Finding& finding);

  size_t wrong_ = 0;
};

}  // namespace aribus::cli
