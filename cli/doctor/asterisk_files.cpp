#include "cli/doctor/asterisk_files.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <glob.h>
#include <strings.h>
#include <sys/stat.h>

namespace aribus::cli {
namespace {

constexpr int max_depth = 10;  // of files that include files, and of templates of templates

// What may still be read: the files are Asterisk's, and their reader may be root.
struct Budget {
  size_t files = 1000;
  WallTime newest{};                // of what was read
  size_t bytes = size_t{16} << 20;  // a dialplan that a program has written can be large
};

// When the file was changed last.
WallTime time_of(const std::filesystem::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return WallTime(std::chrono::floor<std::chrono::milliseconds>(
      std::chrono::seconds(info.st_mtim.tv_sec) + std::chrono::nanoseconds(info.st_mtim.tv_nsec)));
}

// Whether the file is one to read, within the budget. What is no regular file could have no end, or keep its
// reader.
bool takes(Budget& budget, const std::filesystem::path& path) {
  std::error_code none;
  if (!std::filesystem::is_regular_file(path, none)) return false;
  const auto size = std::filesystem::file_size(path, none);
  if (none || size > budget.bytes || budget.files == 0) return false;
  budget.newest = std::max(budget.newest, time_of(path));
  budget.bytes -= size;
  --budget.files;
  return true;
}

std::string trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1));
}

// The line without its comments; `;--` begins one that `--;` ends, perhaps on a later line.
std::string without_comments(std::string_view line, bool& in_comment) {
  std::string out;
  for (size_t i = 0; i < line.size(); ++i) {
    const std::string_view rest = line.substr(i);
    if (in_comment) {
      if (!rest.starts_with("--;")) continue;
      in_comment = false;
      i += 2;
    } else if (rest.starts_with("\\;")) {
      out += ';';
      ++i;
    } else if (rest.starts_with(";--") && !rest.starts_with(";---")) {
      in_comment = true;
      i += 2;
    } else if (rest.starts_with(';')) {
      break;
    } else {
      out += line[i];
    }
  }
  return trimmed(out);
}

// The file of `#include "name"`, `#include <name>`, `#tryinclude name`; "" for any other line.
std::string included(const std::string& line) {
  for (const std::string_view word : {"#include", "#tryinclude"}) {
    if (!line.starts_with(word)) continue;
    std::string name = trimmed(std::string_view(line).substr(word.size()));
    std::erase_if(name, [](char c) { return c == '"' || c == '<' || c == '>'; });
    return name;
  }
  return {};
}

// Adds the file's lines, and those of what it includes, whose names are relative to `folder`, Asterisk's,
// wherever the including file is. False: it can't be read.
bool append_lines(const std::filesystem::path& path, const std::filesystem::path& folder, std::string& text,
                  Budget& budget, int depth = 0) {
  if (depth > max_depth || !takes(budget, path)) return false;
  std::ifstream file(path);
  if (!file) return false;
  std::error_code none;
  if (std::filesystem::file_size(path, none) == 0) return true;  // what /proc has can be endless all the same
  bool in_comment = false;
  for (std::string line; std::getline(file, line);) {
    const std::string name = included(without_comments(line, in_comment));
    if (name.empty()) {
      (text += line) += '\n';
      continue;
    }
    glob_t found{};
    ::glob((folder / name).c_str(), 0, nullptr, &found);
    for (size_t i = 0; i < found.gl_pathc; ++i)
      append_lines(found.gl_pathv[i], folder, text, budget, depth + 1);
    ::globfree(&found);
  }
  return true;
}

}  // namespace

std::optional<AsteriskFile> AsteriskFile::read(const std::string& path) {
  std::string text;
  Budget budget;
  if (!append_lines(path, std::filesystem::path(path).parent_path(), text, budget)) return {};
  AsteriskFile made = parse(text);
  made.changed_ = budget.newest;
  return made;
}

AsteriskFile AsteriskFile::parse(const std::string& text) {
  AsteriskFile made;
  std::istringstream lines(text);
  bool in_comment = false;
  for (std::string given; std::getline(lines, given);) {
    const std::string line = without_comments(given, in_comment);
    if (line.starts_with('[')) {
      const size_t end = std::min(line.find(']'), line.size());
      Section section{.name = line.substr(1, end - 1)};
      std::string more = line.substr(std::min(end + 1, line.size()));
      std::erase_if(more, [](char c) { return c == '(' || c == ')' || c == ' '; });
      std::istringstream words(more);
      for (std::string word; std::getline(words, word, ',');) {
        if (word == "!") section.is_template = true;
        if (word != "!" && word != "+") section.templates.push_back(word);
      }
      made.sections_.push_back(std::move(section));
    } else if (const size_t equals = line.find('='); equals != std::string::npos && !made.sections_.empty()) {
      const size_t value = line.find_first_not_of('>', equals + 1);
      made.sections_.back().values.emplace_back(
          trimmed(line.substr(0, equals)), value == std::string::npos ? "" : trimmed(line.substr(value)));
    }
  }
  return made;
}

bool AsteriskFile::has(std::string_view section) const {
  return std::ranges::any_of(sections_,
                             [&](const Section& one) { return one.name == section && !one.is_template; });
}

std::vector<AsteriskFile::Line> AsteriskFile::lines(std::string_view name) const {
  std::vector<Line> found;
  for (const Section& section : sections_) {
    if (section.is_template) continue;
    for (const auto& [given, value] : section.values) {
      if (::strcasecmp(given.c_str(), std::string(name).c_str()) == 0) found.push_back({section.name, value});
    }
  }
  return found;
}

std::vector<std::string> AsteriskFile::sections() const {
  std::vector<std::string> names;
  for (const Section& section : sections_) {
    if (!section.is_template) names.push_back(section.name);
  }
  return names;
}

std::string AsteriskFile::value(std::string_view section, std::string_view name) const {
  return value(section, name, 0);
}

std::string AsteriskFile::value(std::string_view section, std::string_view name, int depth) const {
  std::string found;
  for (const Section& one : sections_) {
    if (one.name != section) continue;
    for (const std::string& base : one.templates) {
      if (depth == max_depth) break;
      if (const std::string inherited = value(base, name, depth + 1); !inherited.empty()) found = inherited;
    }
    for (const auto& [given, value] : one.values) {
      if (::strcasecmp(given.c_str(), std::string(name).c_str()) == 0) found = value;
    }
  }
  return found;
}

bool AsteriskFile::is_true(std::string_view section, std::string_view name) const {
  constexpr std::array words{"yes", "true", "y", "t", "1", "on"};
  const std::string given = value(section, name);
  return std::ranges::any_of(words, [&](const char* word) { return ::strcasecmp(word, given.c_str()) == 0; });
}

}  // namespace aribus::cli
