#include <cstdlib>
#include <cstring>
#include <string_view>

#include <getopt.h>

#include "cli/commands.h"
#include "cli/complete.h"
#include "cli/help.h"
#include "cli/invoke.h"
#include "cli/output.h"
#include "protocol/default_socket.h"

namespace {

using namespace aribus::cli;

constexpr int first_own = 1000;  // getopt's value for the first option of a command

int print(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) out().line(line);
  return done;
}

// The options in front of the command, or with it, as getopt wants them.
std::vector<option> long_options(const std::vector<Option>& own) {
  std::vector<option> out{{"socket", required_argument, nullptr, 's'},
                          {"help", no_argument, nullptr, 'h'},
                          {"version", no_argument, nullptr, 'v'}};
  for (size_t i = 0; i < own.size(); ++i) {
    out.push_back({own[i].name.data(), own[i].value.empty() ? no_argument : required_argument, nullptr,
                   first_own + static_cast<int>(i)});
  }
  out.push_back({});
  return out;
}

// Whether a word holds short options, and this one.
bool holds_letter(const char* word, int letter) {
  const std::string_view text = word == nullptr ? "" : word;
  return text.starts_with('-') && !text.starts_with("--") &&
         text.find(static_cast<char>(letter)) != text.npos;
}

// After getopt found one that there is not, or one without its value.
std::string wrong_option(int found, const char* const* words) {
  const bool is_letter = optopt > ' ' && optopt < 0x7F &&
                         (holds_letter(words[optind - 1], optopt) || holds_letter(words[optind], optopt));
  const std::string word = words[optind - 1];
  const std::string name =
      is_letter ? std::string("-") + static_cast<char>(optopt) : word.substr(0, word.find('='));
  if (found == ':') return "the option '" + name + "' needs a value";
  return !is_letter && optopt != 0 ? "the option '" + name + "' takes no value"
                                   : "there is no option '" + name + "'";
}

}  // namespace

int main(int argc, char** argv) {
  const char* from_environment = std::getenv("ARIBUS_SOCKET");
  opterr = 0;  // getopt would print by itself
  Arguments arguments;
  arguments.socket = from_environment != nullptr ? from_environment : aribus::default_socket;
  arguments.socket_given = from_environment != nullptr;
  const std::vector<option> common = long_options({});
  for (int chosen = 0; (chosen = getopt_long(argc, argv, "+:s:h", common.data(), nullptr)) != -1;) {
    if (chosen == 's') arguments.socket = optarg, arguments.socket_given = true;
    if (chosen == 'h') return print(usage(text_columns()));
    if (chosen == 'v') return print({"aribus " ARIBUS_VERSION});
    if (chosen == '?' || chosen == ':') return misuse(wrong_option(chosen, argv));
  }
  if (optind == argc) return misuse("which command?");
  const Command* command = find_command(argv[optind]);
  if (command == nullptr) return misuse(std::string("no command '") + argv[optind] + "'");
  const std::string name(command->name);
  const std::vector<option> own = long_options(command->options);
  const bool raw = command->run == complete;  // its words are another command's
  const char** words = const_cast<const char**>(argv + optind);
  const int count = argc - optind;
  if (raw) {
    arguments.words.assign(words, words + count);
    return complete(arguments);
  }
  bool help = false;
  optind = 0;
  for (int chosen = 0;
       (chosen = getopt_long(count, const_cast<char**>(words), ":s:h", own.data(), nullptr)) != -1;) {
    if (chosen == '?' || chosen == ':') return misuse(name, wrong_option(chosen, words));
    if (chosen == 's') arguments.socket = optarg, arguments.socket_given = true;
    if (chosen == 'h') help = true;
    if (chosen == 'v') return print({"aribus " ARIBUS_VERSION});
    if (chosen >= first_own) {
      const Option& option = command->options[static_cast<size_t>(chosen - first_own)];
      arguments.options.emplace_back(option.name, option.value.empty() ? "" : optarg);
    }
  }
  arguments.words.assign(words + optind, words + count);
  arguments.words.insert(arguments.words.begin(), name);
  if (help && (command->run != call || arguments.words.size() < 2))
    return print(help_of(*command, text_columns()));
  if (help) arguments.options.emplace_back("help", "");
  const int code = command->run(arguments);
  out().flush();
  if (out().error() == 0) return code;
  err().line(std::string("aribus: standard output can't be written: ") + std::strerror(out().error()));
  return code == done ? failed : code;
}
