#include "config/yaml_text.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <vector>

#include <yaml-cpp/eventhandler.h>

namespace aribus::config {
namespace {

constexpr std::string_view blanks = " \t\r";

std::vector<std::string_view> lines_of(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // marks count without it
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

size_t indentation(std::string_view line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

bool is_blank(std::string_view line) {
  const size_t first = line.find_first_not_of(blanks);
  return first == std::string_view::npos || line[first] == '#';
}

// Notes where documents and scalars begin.
class Places : public YAML::EventHandler {
 public:
  std::optional<YAML::Mark> document;
  std::vector<YAML::Mark> scalars;

  void OnDocumentStart(const YAML::Mark& at) override { document = at; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark& at, const std::string&, YAML::anchor_t, const std::string&) override {
    scalars.push_back(at);
  }
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}
};

// Whether a quote begins at `mark` and is not closed.
bool is_open_quote(const std::vector<std::string_view>& lines, const YAML::Mark& mark) {
  const auto line = static_cast<size_t>(mark.line), column = static_cast<size_t>(mark.column);
  if (line >= lines.size() || column >= lines[line].size()) return false;
  const char quote = lines[line][column];
  if (quote != '"' && quote != '\'') return false;
  size_t from = column + 1;
  for (size_t at = line; at < lines.size(); ++at, from = 0) {
    for (size_t i = from; i < lines[at].size(); ++i) {
      if (quote == '"' && lines[at][i] == '\\') {
        ++i;
      } else if (lines[at][i] == quote) {
        const bool doubled = quote == '\'' && i + 1 < lines[at].size() && lines[at][i + 1] == quote;
        if (!doubled) return false;
        ++i;
      }
    }
  }
  return true;
}

// YAML allows no tab in an indentation; yaml-cpp's error does not make that clear.
void refuse_tabs(const std::vector<std::string_view>& lines, const std::string& file, ConfigFaults& faults) {
  for (size_t i = 0; i < lines.size(); ++i) {
    const size_t first = indentation(lines[i]);
    if (first == lines[i].size() || lines[i][first] != '\t') continue;
    faults.add(
        {static_cast<int>(i), static_cast<int>(first), file, "", "a tab; lines are indented with spaces"});
  }
}

// The next line above `line` that is neither empty nor a comment.
std::optional<size_t> line_above(const std::vector<std::string_view>& lines, size_t line) {
  while (line > 0) {
    if (--line < lines.size() && !is_blank(lines[line])) return line;
  }
  return {};
}

// A line without its indentation and "- ".
std::string_view entry_of(std::string_view line) {
  for (size_t at = 0; (at = line.find_first_not_of(blanks)) != std::string_view::npos;) {
    line.remove_prefix(at);
    if (!line.starts_with("- ")) break;
    line.remove_prefix(1);
  }
  if (const size_t comment = line.find(" #"); comment != std::string_view::npos)
    line = line.substr(0, comment);
  const size_t last = line.find_last_not_of(blanks);
  return last == std::string_view::npos ? std::string_view() : line.substr(0, last + 1);
}

// Whether there is a key, with its value here or below.
bool has_key(std::string_view entry) {
  return entry.ends_with(':') || entry.find(": ") != std::string_view::npos;
}

// The fault of a line that should have a key but has no colon, or no blank behind it: yaml-cpp complains
// about the line below.
std::optional<ConfigFault> fault_of_colon(const std::vector<std::string_view>& lines, size_t above,
                                          const std::string& file) {
  const std::string_view entry = entry_of(lines[above]);
  if (entry.empty() || has_key(entry) || entry.find_first_of("[]{}\"'&*!|>") != std::string_view::npos)
    return {};
  const auto column = static_cast<size_t>(entry.data() - lines[above].data());
  const size_t colon = entry.find(':'), blank = entry.find(' ');
  const bool is_item = column > indentation(lines[above]);
  if (is_item && colon == std::string_view::npos && blank == std::string_view::npos) return {};  // "- value"
  const bool glued = colon != std::string_view::npos && blank == std::string_view::npos;
  return ConfigFault{static_cast<int>(above), static_cast<int>(column), file, "",
                     glued ? "no YAML: a blank is missing behind the colon; 'key: value' is expected"
                           : "no YAML: a colon is missing in this line; 'key:' or 'key: value' is expected"};
}

// yaml-cpp's message, up to a colon: what follows is from the file ("…: *anchor").
std::string words_of(const YAML::Exception& error) {
  return "no YAML: " + shown(error.msg.substr(0, error.msg.find(':')));
}

ConfigFault fault_of(const std::vector<std::string_view>& lines, const std::string& file,
                     const YAML::Exception& error) {
  ConfigFault fault{error.mark.line, error.mark.column, file, "", words_of(error)};
  const auto says = [&](std::string_view words) { return error.msg.find(words) != std::string::npos; };
  const auto line = static_cast<size_t>(std::max(error.mark.line, 0));
  const std::string_view text = line < lines.size() ? lines[line] : std::string_view();
  const auto above = line_above(lines, line);
  if (says("illegal map value")) {
    const size_t first_colon = text.find(": ");
    if (first_colon < static_cast<size_t>(std::max(error.mark.column, 0))) {
      fault.message += "; a value with ': ' in it needs quotes, and a key a line of its own";
    } else if (const auto colon = above ? fault_of_colon(lines, *above, file) : std::nullopt) {
      return *colon;
    } else {
      fault.message +=
          "; is this line indented more than the one above, which has a value already? Keys of one section "
          "begin in the same column";
    }
  } else if (says("EOF in scalar")) {
    fault.message += "; is a quote not closed?";
  } else if (says("flow")) {
    fault.message += "; is a bracket, a brace or a quote not closed?";
  } else if (says("end of") && indentation(text) == static_cast<size_t>(std::max(error.mark.column, 0))) {
    if (const auto colon = above ? fault_of_colon(lines, *above, file) : std::nullopt) return *colon;
    fault.message +=
        "; is the indentation of this line wrong? Keys of one section begin in the same column, here none "
        "does in "
        "column " +
        std::to_string(error.mark.column + 1);
  } else if (says("end of")) {
    fault.message +=
        "; something follows a value that has ended: is there a quote too many, or a comma missing?";
  } else {
    fault.message += "; look at the indentation, the quotes and the brackets here and in the line above";
  }
  return fault;
}

}  // namespace

bool check_yaml_text(const std::string& text, const std::string& file, ConfigFaults& faults) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  // (YAML::LoadAll never ends for some texts that are no YAML.)
  Places first, second;
  if (parser.HandleNextDocument(first)) parser.HandleNextDocument(second);
  if (second.document) {
    faults.add({second.document->line, second.document->column, file, "",
                "a second document; one is expected: is there a line '---', or a comma too many?"});
  }
  const std::vector<std::string_view> lines = lines_of(text);
  for (const YAML::Mark& mark : first.scalars) {
    if (!is_open_quote(lines, mark)) continue;
    faults.add({mark.line, mark.column, file, "", "the quote that begins here is not closed"});
    return false;
  }
  return true;
}

void explain_yaml_error(const std::string& text, const std::string& file, const YAML::Exception& error,
                        ConfigFaults& faults) {
  const std::vector<std::string_view> lines = lines_of(text);
  refuse_tabs(lines, file, faults);
  if (faults.empty()) faults.add(fault_of(lines, file, error));
}

bool is_cut_by_comment(const std::string& text, const YAML::Mark& mark, std::string_view value) {
  const std::vector<std::string_view> lines = lines_of(text);
  const auto line = static_cast<size_t>(mark.line), column = static_cast<size_t>(mark.column);
  if (mark.is_null() || line >= lines.size() || column >= lines[line].size()) return false;
  std::string_view rest = lines[line].substr(column);
  if (!rest.starts_with(value)) return false;
  rest.remove_prefix(value.size());
  const size_t comment = rest.find_first_not_of(blanks);
  return comment != std::string_view::npos && comment > 0 && rest[comment] == '#' &&
         comment + 1 < rest.size() && blanks.find(rest[comment + 1]) == std::string_view::npos;
}

}  // namespace aribus::config
