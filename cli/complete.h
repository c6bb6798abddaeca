// `aribus complete`, for shells.
#pragma once

#include "cli/arguments.h"

namespace aribus::cli {

// Its words are another command's: main() does not read options among them.
int complete(const Arguments& arguments);

}  // namespace aribus::cli
