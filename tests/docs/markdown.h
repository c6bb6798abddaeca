// The examples in the documentation: that of this source tree, or of an earlier version ($ARIBUS_DOCUMENTS:
// its source tree).
#pragma once

#include <string>
#include <vector>

namespace aribus::test {

// A fenced block of a Markdown file.
struct Fence {
  std::string where;  // "docs/protocol.md:17", the line of its opening fence
  std::string kind;   // the info string's first word: "json-rpc", "yaml", …
  std::string info;   // what follows that word
  std::vector<std::string> lines;

  [[nodiscard]] std::string text() const;
  // The value of `name` in info, as of "ring" in "ring=64KiB servers=2"; `otherwise` when it is not there.
  [[nodiscard]] std::string option(const std::string& name, const std::string& otherwise) const;
};

[[nodiscard]] bool are_of_an_earlier_version();
// The documents, relative to the source directory.
[[nodiscard]] std::vector<std::string> documents();
[[nodiscard]] std::string read_document(const std::string& document);
// The document without its fences.
[[nodiscard]] std::string prose_of(const std::string& document);
// All fences of all documents. Throws when one is not closed.
[[nodiscard]] std::vector<Fence> all_fences();
// Those of one kind.
[[nodiscard]] std::vector<Fence> fences_of(const std::string& kind);

}  // namespace aribus::test
