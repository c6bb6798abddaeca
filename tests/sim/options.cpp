#include "options.h"

#include <cstdlib>
#include <iostream>

#include <getopt.h>

namespace aribus::sim {
namespace {

constexpr const char* usage = R"(Usage: aribus-sim [OPTION]...

Imitates the HTTP and WebSocket side of Asterisk's ARI on 127.0.0.1, with faults on request.
Prints "listening on 127.0.0.1:PORT" once it does. Ends on SIGTERM or SIGINT.

  --port N          port to listen on; 0 for any (default)
  --user U          ARI user (default aribus)
  --password P      its password (default aribus-test-secret)
  --version V       the Asterisk to imitate: 22 (default) or 16
  --playback-ms N   how long each medium plays (default 200)
  --replay FILE     send the events in FILE, one a line as ARI sends them or as "aribus record"
                    writes them, to every WebSocket, over and over
  --rate N          replayed events a second; 0 for as fast as the reader takes them (default)
  --loops N         how often FILE is replayed to each WebSocket; 0 for ever (default)
  --demo[=APP]      a caller like a person rings APP (default demo) when it connects and every 15 s after
  --help            this text

Calls, faults and scenarios are controlled by HTTP requests below /sim/, without a password:

  curl -d '{"app":"demo","caller":"100","caller_name":"Alice"}' http://127.0.0.1:PORT/sim/call

tests/sim/README.md has the list.
)";

}  // namespace

Start parse_options(int argc, char** argv, Options& options) {
  static const option table[] = {{"port", required_argument, nullptr, 'p'},
                                 {"user", required_argument, nullptr, 'u'},
                                 {"password", required_argument, nullptr, 'w'},
                                 {"version", required_argument, nullptr, 'v'},
                                 {"replay", required_argument, nullptr, 'r'},
                                 {"rate", required_argument, nullptr, 'R'},
                                 {"loops", required_argument, nullptr, 'l'},
                                 {"playback-ms", required_argument, nullptr, 'b'},
                                 {"demo", optional_argument, nullptr, 'd'},
                                 {"help", no_argument, nullptr, 'h'},
                                 {nullptr, 0, nullptr, 0}};
  int chosen = 0;
  while ((chosen = getopt_long(argc, argv, "h", table, nullptr)) != -1) {
    switch (chosen) {
      case 'p':
        options.port = std::atoi(optarg);
        break;
      case 'u':
        options.user = optarg;
        break;
      case 'w':
        options.password = optarg;
        break;
      case 'v':
        options.version = std::atoi(optarg);
        break;
      case 'r':
        options.replay = optarg;
        break;
      case 'R':
        options.rate = std::strtoull(optarg, nullptr, 10);
        break;
      case 'l':
        options.loops = std::strtoull(optarg, nullptr, 10);
        break;
      case 'b':
        options.playback_ms = std::strtoull(optarg, nullptr, 10);
        break;
      case 'd':
        options.demo = optarg != nullptr ? optarg : "demo";
        break;
      case 'h':
        std::cout << usage;
        return Start::exit_ok;
      default:
        std::cerr << "Try aribus-sim --help\n";
        return Start::exit_usage;
    }
  }
  if (optind < argc || (options.version != 22 && options.version != 16)) {
    std::cerr << (optind < argc ? "aribus-sim: unexpected argument" : "aribus-sim: --version is 22 or 16")
              << "\nTry aribus-sim --help\n";
    return Start::exit_usage;
  }
  return Start::run;
}

}  // namespace aribus::sim
