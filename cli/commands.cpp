#include "cli/commands.h"

#include <algorithm>

namespace aribus::cli {

const std::vector<Command>& commands() {
  static const std::vector<Command> all = [] {
    std::vector<Command> made{tail_command(), calls_command(), trace_command(),
                              call_command()};  // in the order of the help
    for (Command& verb : verb_commands()) made.push_back(std::move(verb));
    for (Command& other : std::vector{status_command(), clients_command(), groups_command(), pbx_command(),
                                      reload_command(), check_command(), doctor_command(), record_command(),
                                      replay_command(), complete_command()}) {
      made.push_back(std::move(other));
    }
    return made;
  }();
  return all;
}

const Command* find_command(std::string_view name) {
  const auto at = std::ranges::find(commands(), name, &Command::name);
  return at == commands().end() ? nullptr : &*at;
}

}  // namespace aribus::cli
