#include "cli/doctor/dialplan.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace aribus::cli {
namespace {

constexpr std::string_view blanks = " \t";

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

std::string_view without_blanks(std::string_view text) {
  const size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

// What a priority runs: of "s,1(label),Stasis(a)" or, for `same`, "n,Stasis(a)" what follows so many commas.
std::string_view application_of(std::string_view value, int commas) {
  for (; commas > 0; --commas) {
    const size_t comma = value.find(',');
    if (comma == std::string_view::npos) return {};
    value.remove_prefix(comma + 1);
  }
  return without_blanks(value);
}

// The arguments of each Stasis( that is run, with what follows them: alone, or by an application that runs
// others.
std::vector<std::string_view> arguments_of(std::string_view application) {
  constexpr std::array<std::string_view, 4> runs_others{"execif(", "tryexec(", "exec(", "while("};
  constexpr std::string_view name = "stasis(";
  const std::string lower = lower_case(application);
  if (lower.starts_with(name)) return {application.substr(name.size())};
  std::vector<std::string_view> found;
  if (std::ranges::none_of(runs_others, [&](std::string_view one) { return lower.starts_with(one); }))
    return found;
  for (size_t at = 0; (at = lower.find(name, at)) != std::string::npos; at += name.size()) {
    if (std::string_view("?:(").find(lower[at - 1]) != std::string_view::npos)
      found.push_back(application.substr(at + name.size()));
  }
  return found;
}

}  // namespace

Dialplan Dialplan::of(const AsteriskFile& extensions) {
  Dialplan made;
  const auto add = [&](const AsteriskFile::Line& line, int commas) {
    for (const std::string_view arguments : arguments_of(application_of(line.value, commas))) {
      // A variable can contain commas and brackets.
      std::string_view app = without_blanks(arguments.substr(0, arguments.find_first_of(",)")));
      if (app.find('$') != std::string_view::npos) {
        made.has_variables = true;
        continue;
      }
      if (app.size() > 1 && app.starts_with('"') && app.ends_with('"')) app = app.substr(1, app.size() - 2);
      const auto is_known = [&](const Stasis& one) { return one.app == app; };
      if (!app.empty() && std::ranges::none_of(made.calls, is_known))
        made.calls.push_back({line.section, std::string(app)});
    }
  };
  for (const AsteriskFile::Line& line : extensions.lines("exten")) add(line, 2);
  for (const AsteriskFile::Line& line : extensions.lines("same")) add(line, 1);
  return made;
}

}  // namespace aribus::cli
