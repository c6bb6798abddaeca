// The command line.
#pragma once

#include <cstdint>
#include <string>

namespace aribus::sim {

struct Options {
  int port = 0;  // 0: any
  std::string user = "aribus";
  std::string password = "aribus-test-secret";
  int version = 22;            // of the Asterisk that is imitated: 22 or 16
  uint64_t playback_ms = 200;  // how long a medium plays
  std::string replay;          // file of events, one a line; "" for none
  uint64_t rate = 0;           // replayed events a second and socket; 0: as fast as it takes them
  uint64_t loops = 0;          // how often the file is replayed to a socket; 0: for ever
  std::string demo;            // application that gets a demo call whenever it connects
};

enum class Start { run, exit_ok, exit_usage };

// Fills `options`; prints help or what is wrong.
[[nodiscard]] Start parse_options(int argc, char** argv, Options& options);

}  // namespace aribus::sim
