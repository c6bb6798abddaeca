// Ctrl-C.
#pragma once

#include <csignal>

namespace aribus::cli {

// Not 0 once SIGINT or SIGTERM has come, after catch_interrupts().
extern volatile std::sig_atomic_t interrupted;
void catch_interrupts();

}  // namespace aribus::cli
