#include <algorithm>
#include <cstdlib>

#include <getopt.h>

#include "cli/commands.h"
#include "cli/output.h"

namespace {

using namespace aribus::cli;

constexpr const char* default_socket = "/run/aribus/aribus.sock";

int print(const std::string& text) {
  out().lines(text);
  return done;
}

std::string padded(std::string text, size_t width) {
  text.resize(std::max(text.size() + 1, width), ' ');
  return text;
}

std::string usage() {
  std::string out =
      "Usage: aribus [--socket PATH] COMMAND …\n\n"
      "Talks to aribusd, the daemon beside Asterisk.\n\n";
  for (const Command& command : commands()) {
    if (command.summary.empty()) continue;
    const std::string name = std::string(command.name) + " " + std::string(command.arguments);
    out += "  " + padded(name, 34) + std::string(command.summary) + "\n";
  }
  return out +
         "\n"
         "  -s, --socket PATH   the daemon's socket (default $ARIBUS_SOCKET, else /run/aribus/aribus.sock)\n"
         "      --version       print the version and end\n"
         "  -h, --help          print this, or a command's own help, and end\n"
         "\n"
         "Exit status: 0 done, 1 refused or failed, 2 wrong arguments, 3 not connected and nothing sent,\n"
         "4 sent and the outcome unknown, 5 not allowed.\n";
}

std::string help_of(const Command& command) {
  std::string out = "Usage: aribus " + std::string(command.name) + " " + std::string(command.arguments) +
                    "\n\n" + std::string(command.summary) + "\n";
  if (!command.more.empty()) out += "\n" + std::string(command.more) + "\n";
  if (!command.options.empty()) out += "\n";
  for (const Option& option : command.options) {
    const std::string name =
        "--" + std::string(option.name) + (option.value.empty() ? "" : " " + std::string(option.value));
    out += "  " + padded(name, 24) + std::string(option.help) + "\n";
  }
  return out;
}

// The options in front of the command, or with it, as getopt wants them.
std::vector<option> long_options(const std::vector<Option>& own) {
  std::vector<option> out{{"socket", required_argument, nullptr, 's'},
                          {"help", no_argument, nullptr, 'h'},
                          {"version", no_argument, nullptr, 'v'}};
  for (size_t i = 0; i < own.size(); ++i) {
    out.push_back({own[i].name.data(), own[i].value.empty() ? no_argument : required_argument, nullptr,
                   static_cast<int>(1000 + i)});
  }
  out.push_back({});
  return out;
}

// After getopt found one that there is not, or without its value.
std::string wrong_option(const char* const* words) {
  const bool is_letter = optopt > ' ' && optopt < 0x7F;
  return "no option '" +
         (is_letter ? std::string("-") + static_cast<char>(optopt) : std::string(words[optind - 1])) +
         "', or it lacks its value";
}

}  // namespace

int main(int argc, char** argv) {
  const char* from_environment = std::getenv("ARIBUS_SOCKET");
  opterr = 0;  // getopt would print by itself
  Arguments arguments;
  arguments.socket = from_environment != nullptr ? from_environment : default_socket;
  arguments.socket_given = from_environment != nullptr;
  const std::vector<option> common = long_options({});
  for (int chosen = 0; (chosen = getopt_long(argc, argv, "+s:h", common.data(), nullptr)) != -1;) {
    if (chosen == 's') arguments.socket = optarg, arguments.socket_given = true;
    if (chosen == 'h') return print(usage());
    if (chosen == 'v') return print("aribus " ARIBUS_VERSION "\n");
    if (chosen == '?') return misuse(wrong_option(argv));
  }
  if (optind == argc) return misuse("which command?");
  const Command* command = find_command(argv[optind]);
  if (command == nullptr) return misuse(std::string("no command '") + argv[optind] + "'");
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
       (chosen = getopt_long(count, const_cast<char**>(words), "s:h", own.data(), nullptr)) != -1;) {
    if (chosen == '?') {
      return misuse(wrong_option(words) + "; aribus " + std::string(command->name) +
                    " --help tells the options");
    }
    if (chosen == 's') arguments.socket = optarg, arguments.socket_given = true;
    if (chosen == 'h') help = true;
    if (chosen >= 1000) {
      const Option& option = command->options[static_cast<size_t>(chosen - 1000)];
      arguments.options.emplace_back(option.name, option.value.empty() ? "" : optarg);
    }
  }
  arguments.words.assign(words + optind, words + count);
  arguments.words.insert(arguments.words.begin(), std::string(command->name));
  if (help && (command->run != call || arguments.words.size() < 2)) return print(help_of(*command));
  if (help) arguments.options.emplace_back("help", "");
  return command->run(arguments);
}
