// `aribus calls`: the calls, once or live.
#pragma once

#include "cli/commands.h"

namespace aribus::cli {

int calls(const Arguments& arguments);

}  // namespace aribus::cli
