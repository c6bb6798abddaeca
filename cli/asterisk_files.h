// Asterisk's own configuration files, as far as `aribus doctor` looks into them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace aribus::cli {

// One file: sections with `name = value`, comments behind `;`. Templates and includes are not followed.
class AsteriskFile {
 public:
  // Nothing when it can't be read.
  [[nodiscard]] static std::optional<AsteriskFile> read(const std::string& path);

  [[nodiscard]] bool has(std::string_view section) const;
  // The last value of that name in the section, or "".
  [[nodiscard]] std::string value(std::string_view section, std::string_view name) const;

 private:
  std::string text_;
};

}  // namespace aribus::cli
