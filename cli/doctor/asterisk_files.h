// Asterisk's own configuration files, as far as `aribus doctor` looks into them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace aribus::cli {

// One file: sections with `name = value`, templates, comments, and what it includes. What `#exec` would print
// is not there.
class AsteriskFile {
 public:
  // Nothing when it can't be read. Included files that can't be are left out; relative ones are sought in the
  // file's folder. At most 1,000 regular files and 16 MiB are read.
  [[nodiscard]] static std::optional<AsteriskFile> read(const std::string& path);
  [[nodiscard]] static AsteriskFile parse(const std::string& text);

  [[nodiscard]] bool has(std::string_view section) const;
  // When it, or a file that it includes, was changed last. Nothing when it was not read from a file.
  [[nodiscard]] std::optional<WallTime> changed() const { return changed_; }
  // The values of `name` in the section's order, of all sections that are no templates.
  struct Line {
    std::string section;
    std::string value;
  };
  [[nodiscard]] std::vector<Line> lines(std::string_view name) const;
  // The sections that are no templates, in the file's order.
  [[nodiscard]] std::vector<std::string> sections() const;
  // The last value of that name in the section, else that of its templates, else "".
  [[nodiscard]] std::string value(std::string_view section, std::string_view name) const;
  // Whether Asterisk reads it as true.
  [[nodiscard]] bool is_true(std::string_view section, std::string_view name) const;

 private:
  struct Section {
    std::string name;
    bool is_template = false;
    std::vector<std::string> templates{};
    std::vector<std::pair<std::string, std::string>> values{};
  };
  [[nodiscard]] std::string value(std::string_view section, std::string_view name, int depth) const;

  std::vector<Section> sections_;
  std::optional<WallTime> changed_;
};

}  // namespace aribus::cli
