#include "cli/help.h"

#include <algorithm>

#include "cli/invoke.h"
#include "cli/methods.h"
#include "cli/terminal.h"
#include "protocol/default_socket.h"

namespace aribus::cli {
namespace {

using Lines = std::vector<std::string>;

void add(Lines& out, const Lines& more) {
  out.insert(out.end(), more.begin(), more.end());
}

// Paragraphs, with an empty line in front of each.
void add_paragraphs(Lines& out, std::string_view text, size_t columns) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    out.emplace_back();
    add(out, wrapped(text.substr(0, end), columns, 0));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// A name and its text in a second column that begins at `indent`.
void add_entry(Lines& out, const std::string& name, std::string_view text, size_t indent, size_t columns) {
  Lines lines = wrapped(text, columns, indent);
  const std::string start = "  " + name;
  if (start.size() + 2 > indent) {
    out.push_back(start);
  } else {
    lines.front().replace(0, start.size(), start);
  }
  add(out, lines);
}

std::string text_of(const Option& option) {
  return "--" + std::string(option.name) + (option.value.empty() ? "" : " " + std::string(option.value));
}

std::string sentence(std::string_view text) {
  std::string out(text);
  if (out.front() >= 'a' && out.front() <= 'z') out.front() = static_cast<char>(out.front() - 'a' + 'A');
  return out;
}

}  // namespace

Lines usage(size_t columns) {
  Lines out{"Usage: aribus [--socket PATH] COMMAND …", "", "Talks to aribusd, the daemon beside Asterisk.",
            ""};
  constexpr size_t indent = 14;
  for (const Command& command : commands()) {
    if (!command.summary.empty())
      add_entry(out, std::string(command.name), sentence(command.summary), indent, columns);
  }
  out.emplace_back();
  add_entry(out, "-s, --socket PATH",
            "The daemon's socket (default $ARIBUS_SOCKET, else " + std::string(default_socket) + ")", 22,
            columns);
  add_entry(out, "    --version", "Print the version and end", 22, columns);
  add_entry(out, "-h, --help", "Print this, or what a command does and takes: aribus tail --help", 22,
            columns);
  add_paragraphs(out,
                 "Exit status: 0 done, 1 refused or failed, 2 wrong arguments, 3 not connected (nothing was "
                 "changed), 4 a "
                 "command was sent and its outcome is unknown, 5 not allowed.",
                 columns);
  return out;
}

Lines help_of(const Command& command, size_t columns) {
  const std::string takes = command.arguments.empty() ? "" : " " + std::string(command.arguments);
  const std::string options = command.options.empty() ? "" : " [OPTION …]";
  Lines out{"Usage: aribus " + std::string(command.name) + options + takes, ""};
  add(out, wrapped(sentence(command.summary), columns, 0));
  add_paragraphs(out, command.more, columns);
  if (!command.options.empty()) out.emplace_back();
  size_t longest = 0;
  for (const Option& option : command.options) longest = std::max(longest, text_of(option).size());
  for (const Option& option : command.options)
    add_entry(out, text_of(option), sentence(option.help), longest + 4, columns);
  if (const Verb* verb = find_verb(command.name)) {
    const Lines help = Methods::built_in().help(verb->name, columns);
    out.insert(out.end(), help.begin() + 1, help.end());  // its title is the command's
    add_paragraphs(out, "VALUE becomes what the parameter takes; NAME:=JSON is always JSON.", columns);
  }
  return out;
}

}  // namespace aribus::cli
