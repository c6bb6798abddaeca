#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/utf8.h"
#include "config/aribusd/config.h"
#include "control/audit.h"
#include "daemon/app.h"
#include "service/failure.h"
#include "session/describe.h"

namespace {

constexpr size_t own_descriptors = 256;  // files, connections to Asterisk, of metrics
constexpr const char* default_config = ARIBUS_CONFIG_DIR "/aribusd.yaml";

constexpr const char* usage =
    "Usage: aribusd [--config FILE] [--check-config]\n"
    "       aribusd --describe openrpc|records|asyncapi\n"
    "\n"
    "Holds the event stream of one or more Asterisk servers open, hands the events to any number of\n"
    "local programs over a Unix socket, and takes their commands.\n"
    "\n"
    "  -c, --config FILE   the configuration (default " ARIBUS_CONFIG_DIR
    "/aribusd.yaml)\n"
    "      --check-config  read and check the configuration, say what is wrong with it, and end\n"
    "      --describe WHAT print a description of the protocol as JSON and end: openrpc (the methods),\n"
    "                      records (JSON Schema of the records), asyncapi (the notifications)\n"
    "      --version       print the version and end\n"
    "  -h, --help          print this and end\n"
    "\n"
    "SIGTERM and SIGINT end it after what is under way. Exit status: 0 ended as asked, 1 it could not\n"
    "run, 2 wrong arguments or configuration.\n";

int fail(const aribus::Error& error, int status) {
  return aribus::service::fail("aribusd", error, status);
}

// Every connection is a descriptor, and the usual soft limit is hardly more than `connections`. The kernel's
// table of descriptors is made large at once: enlarging it later, while there are threads, takes Linux some
// 15 ms (expand_fdtable() waits for all processors) and blocks the loop.
void make_room_for_descriptors(size_t connections) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const auto last = std::min<rlim_t>(connections + own_descriptors, limit.rlim_cur) - 1;
  aribus::Fd(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, static_cast<int>(last)));
}

// Keeps the memory of large requests and answers for reuse. The C library would return it and get it again
// each time, page by page, which takes longer than handling the request. (To write a text of 1 MiB, the most
// that a request has, RapidJSON allocates the 6 MiB that it would need if each character were escaped.)
//
// What is freed is joined with its free neighbours at once. Otherwise the C library keeps small pieces apart
// and joins all of them when somebody needs a larger one: after 50,000 channels were freed in the background,
// that took the loop 18 ms.
void keep_memory() {
  ::mallopt(M_MXFAST, 0);
  ::mallopt(M_MMAP_THRESHOLD, 8 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 16 << 20);
}

int run(int argc, char** argv) {
  enum { check_config_option = 1, describe_option, version_option };
  static const option options[] = {{"config", required_argument, nullptr, 'c'},
                                   {"check-config", no_argument, nullptr, check_config_option},
                                   {"describe", required_argument, nullptr, describe_option},
                                   {"version", no_argument, nullptr, version_option},
                                   {"help", no_argument, nullptr, 'h'},
                                   {}};
  std::string file = default_config;
  bool check_only = false;
  for (int chosen = 0; (chosen = getopt_long(argc, argv, "c:h", options, nullptr)) != -1;) {
    switch (chosen) {
      case 'c':
        file = optarg;
        break;
      case check_config_option:
        check_only = true;
        break;
      case describe_option: {
        const auto text = aribus::session::describe(optarg);
        if (!text) return fail(text.error(), 2);
        std::printf("%s\n", text->c_str());
        return 0;
      }
      case version_option:
        std::printf("aribusd %s\n", ARIBUS_VERSION);
        return 0;
      case 'h':
        std::fputs(usage, stdout);
        return 0;
      default:
        std::fputs("Try 'aribusd --help'.\n", stderr);
        return 2;
    }
  }
  if (optind < argc) {
    std::fprintf(stderr, "aribusd: unexpected argument '%s'\nTry 'aribusd --help'.\n",
                 aribus::escape_controls(argv[optind]).c_str());
    return 2;
  }

  using aribus::config::Purpose;
  auto config = aribus::config::load_config(file, check_only ? Purpose::check : Purpose::start);
  if (!config) return fail(config.error(), 2);
  if (check_only) {
    for (const std::string& warning : config->warnings)
      std::fprintf(stderr, "warning: %s\n", aribus::escape_controls(warning).c_str());
    const size_t servers = config->asterisk.size(), sockets = config->sockets.size();
    std::printf("%s: fine (%zu Asterisk server%s, %zu socket%s%s)\n", file.c_str(), servers,
                servers == 1 ? "" : "s", sockets, sockets == 1 ? "" : "s",
                config->web ? ", one more for WebSockets" : "");
    return 0;
  }
  if (auto started = aribus::start_log(config->log_level); !started) return fail(started.error(), 2);
  aribus::control::start_audit(config->audit);
  spdlog::info("aribusd {} starting with {}", ARIBUS_VERSION, file);
  for (const std::string& warning : config->warnings) spdlog::warn("{}", warning);
  keep_memory();
  std::signal(SIGPIPE, SIG_IGN);  // a closed peer is an error of the write, not the daemon's end
  make_room_for_descriptors(config->sessions.max_connections);
  auto app = aribus::daemon::App::make(std::move(*config));
  if (!app) return fail(app.error(), 1);
  if (auto ran = (*app)->run(); !ran) return fail(ran.error(), 1);
  // The loop's end would wait for name lookups: as long as the name server does not answer.
  if ((*app)->is_working()) {
    spdlog::shutdown();
    std::_Exit(0);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    return fail({aribus::ErrorKind::internal, error.what(), {}}, 1);
  }
}
