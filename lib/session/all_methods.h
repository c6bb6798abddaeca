// The one place that says which methods a daemon has.
#pragma once

#include "control/method_table.h"
#include "session/daemon_methods.h"

namespace aribus::session {

// Adds all methods of a daemon to `table`: ARI's operations, verbs, state methods, those of groups, the
// daemon's own, and subscribe and unsubscribe.
void add_all_methods(control::MethodTable& table, DaemonAnswers answers);

// The same table for code that only reads it and calls nothing: the configuration, --describe.
[[nodiscard]] const control::MethodTable& declared_methods();

}  // namespace aribus::session
