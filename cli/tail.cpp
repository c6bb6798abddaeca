#include "cli/follow.h"
#include "cli/printer.h"

namespace aribus::cli {

int tail(const Arguments& arguments) {
  Printer printer(arguments);
  Follower follower;
  follower.take = [&](const client::Item& item) { return is_own(item.type) || printer.print(item.fields); };
  return follow(arguments, {arguments.words.begin() + 1, arguments.words.end()}, follower);
}

}  // namespace aribus::cli
