// Prints records for `tail` and `replay`.
#pragma once

#include "cli/arguments.h"
#include "cli/call_view.h"
#include "cli/output.h"

namespace aribus::cli {

// As the options say: lines for people, or JSON.
class Printer {
 public:
  explicit Printer(const Arguments& arguments)
      : json_(!arguments.for_people()),
        view_(arguments.has("all") || (arguments.words[0] == "tail" && arguments.words.size() > 1)) {}

  [[nodiscard]] bool prints_json() const { return json_; }

  // Returns false when the reader has closed the pipe.
  bool print(const JsonValue& record) {
    if (json_) {
      out().json(record);
    } else {
      for (const Text& line : view_.lines(record)) out().line(line);
    }
    return out().flush();
  }

 private:
  bool json_;
  CallView view_;
};

}  // namespace aribus::cli
