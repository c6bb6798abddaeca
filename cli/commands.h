// The commands of the tool. Each is defined in the file of its name, with its help and its options.
#pragma once

#include <string_view>
#include <vector>

#include "cli/arguments.h"

namespace aribus::cli {

struct Option {
  std::string_view name;
  std::string_view value;  // its name in the help; "": the option takes no value
  std::string_view help;
};

struct Command {
  std::string_view name;
  std::string_view arguments;  // for the help
  std::string_view summary;
  std::string_view more;  // for the command's own help
  std::vector<Option> options;
  int (*run)(const Arguments&);  // returns an ExitCode
};

[[nodiscard]] const std::vector<Command>& commands();
// nullptr when there is none.
[[nodiscard]] const Command* find_command(std::string_view name);

[[nodiscard]] Command call_command();
[[nodiscard]] Command calls_command();
[[nodiscard]] Command check_command();
[[nodiscard]] Command clients_command();
[[nodiscard]] Command complete_command();
[[nodiscard]] Command doctor_command();
[[nodiscard]] Command groups_command();
[[nodiscard]] Command pbx_command();
[[nodiscard]] Command record_command();
[[nodiscard]] Command reload_command();
[[nodiscard]] Command replay_command();
[[nodiscard]] Command status_command();
[[nodiscard]] Command tail_command();
[[nodiscard]] Command trace_command();
// originate, hangup, bridge, play and transfer.
[[nodiscard]] std::vector<Command> verb_commands();

}  // namespace aribus::cli
