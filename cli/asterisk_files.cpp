#include "cli/asterisk_files.h"

#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>

namespace aribus::cli {
namespace {

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// Calls `use` for each section (with an empty name) and each value in it.
void walk(
    const std::string& text,
    const std::function<void(std::string_view section, std::string_view name, std::string_view value)>& use) {
  std::istringstream lines(text);
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    const std::string_view rest = trimmed(std::string_view(line).substr(0, line.find(';')));
    if (rest.starts_with('[')) {
      section = rest.substr(1, rest.find(']') - 1);
      use(section, "", "");
    } else if (const size_t equals = rest.find('='); equals != std::string_view::npos) {
      std::string_view value = rest.substr(equals + 1);
      if (value.starts_with('>')) value.remove_prefix(1);
      use(section, trimmed(rest.substr(0, equals)), trimmed(value));
    }
  }
}

}  // namespace

std::optional<AsteriskFile> AsteriskFile::read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return {};
  AsteriskFile made;
  made.text_.assign(std::istreambuf_iterator<char>(file), {});
  return made;
}

bool AsteriskFile::has(std::string_view section) const {
  bool found = false;
  walk(text_, [&](std::string_view of, std::string_view, std::string_view) { found |= of == section; });
  return found;
}

std::string AsteriskFile::value(std::string_view section, std::string_view name) const {
  std::string found;
  walk(text_, [&](std::string_view of, std::string_view given, std::string_view value) {
    if (of == section && given == name) found = value;
  });
  return found;
}

}  // namespace aribus::cli
