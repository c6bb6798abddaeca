// The Stasis applications that a dialplan names.
#pragma once

#include <string>
#include <vector>

#include "cli/doctor/asterisk_files.h"

namespace aribus::cli {

struct Dialplan {
  // A call of Stasis(app).
  struct Stasis {
    std::string context;
    std::string app;
  };
  std::vector<Stasis> calls;  // one for each application, the first that names it
  // There are also calls whose application only Asterisk knows, as Stasis(${EXTEN}).
  bool has_variables = false;

  // The lines `exten =>` and `same =>` of extensions.conf. AEL, Lua and realtime are not read.
  [[nodiscard]] static Dialplan of(const AsteriskFile& extensions);
};

}  // namespace aribus::cli
