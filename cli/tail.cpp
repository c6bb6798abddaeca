#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/printer.h"

namespace aribus::cli {
namespace {

int tail(const Arguments& arguments) {
  Printer printer(arguments);
  Follower follower;
  follower.take = [&](const client::Item& item) { return is_own(item.type) || printer.print(item.fields); };
  return follow(arguments, {arguments.words.begin() + 1, arguments.words.end()}, follower);
}

}  // namespace

Command tail_command() {
  return {
      "tail",
      "[TYPE …]",
      "shows records as they arrive",
      "TYPE is a type or a glob: StasisStart 'Channel*'. On a terminal: a readable line for each record that "
      "says something about a call, or for every record when types are given. In a pipe: one JSON object "
      "per line. Filters may be given several times.\n"
      "When aribusd is restarted or the connection ends, tail connects again and resumes after the last "
      "record; standard error reports when, and whether records are missing. It ends with Ctrl-C.",
      with_filters({{"json", "", "JSON lines on a terminal as well"},
                    {"text", "", "readable lines in a pipe as well"},
                    {"all", "", "a readable line for every record"}}),
      tail};
}

}  // namespace aribus::cli
