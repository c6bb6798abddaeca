#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include <getopt.h>

#include "base/log.h"
#include "base/utf8.h"
#include "nats/adopt.h"
#include "nats/bridge.h"
#include "nats/config.h"
#include "nats/pbx_list.h"
#include "service/failure.h"

namespace {

constexpr const char* default_config = ARIBUS_CONFIG_DIR "/nats.yaml";

constexpr const char* usage =
    "Usage: aribus-nats [--config FILE] [--check-config | --adopt]\n"
    "       aribus-nats --list [--config FILE | --url URL [--credentials FILE]] [--inbox-prefix PREFIX]\n"
    "\n"
    "Copies the records of the local aribusd to a stream of NATS JetStream, each once and in order, and\n"
    "passes commands from NATS to it.\n"
    "\n"
    "  -c, --config FILE   the configuration (default " ARIBUS_CONFIG_DIR
    "/nats.yaml)\n"
    "      --check-config  check the configuration, print the mistakes in it, and exit\n"
    "      --adopt         take over the stream of another installation, and exit: needed once for a PBX\n"
    "                      that was moved to another machine, or whose state file was lost\n"
    "      --list          print the PBXs on NATS as JSON, and exit ('aribus pbx' prints them as a table)\n"
    "      --url URL       of NATS, for --list without a configuration; separate several by commas\n"
    "      --credentials FILE\n"
    "                      the credentials file for --url\n"
    "      --inbox-prefix PREFIX\n"
    "                      for --list: the subject prefix on which the user may receive answers, such as\n"
    "                      _INBOX_control (default _INBOX)\n"
    "      --version       print the version, and exit\n"
    "  -h, --help          print this help, and exit\n"
    "\n"
    "SIGTERM and SIGINT stop it once pending records are stored. Exit status: 0 stopped as requested, 1 it\n"
    "could not run, 2 wrong arguments or configuration.\n";

int fail(const aribus::Error& error, int status) {
  return aribus::service::fail("aribus-nats", error, status);
}

// Prints the PBXs on NATS.
int list(const aribus::nats::NatsOptions& nats, const aribus::nats::ListOptions& options) {
  // An error is printed once, by fail(); log lines would end up within the JSON.
  if (auto started = aribus::start_log("off"); !started) return fail(started.error(), 1);
  const auto pbxs = aribus::nats::list_pbxs(nats, options);
  if (!pbxs) return fail(pbxs.error(), 1);
  std::printf("%s\n", pbxs->c_str());
  return 0;
}

int run(int argc, char** argv) {
  enum {
    check_config_option = 1,
    version_option,
    adopt_option,
    list_option,
    url_option,
    credentials_option,
    inbox_option
  };
  static const option options[] = {{"config", required_argument, nullptr, 'c'},
                                   {"check-config", no_argument, nullptr, check_config_option},
                                   {"adopt", no_argument, nullptr, adopt_option},
                                   {"list", no_argument, nullptr, list_option},
                                   {"url", required_argument, nullptr, url_option},
                                   {"credentials", required_argument, nullptr, credentials_option},
                                   {"inbox-prefix", required_argument, nullptr, inbox_option},
                                   {"version", no_argument, nullptr, version_option},
                                   {"help", no_argument, nullptr, 'h'},
                                   {}};
  std::string file = default_config;
  bool check_only = false, adopts = false, lists = false;
  aribus::nats::NatsOptions nats{.url = ""};
  aribus::nats::ListOptions listing;
  for (int chosen = 0; (chosen = getopt_long(argc, argv, "c:h", options, nullptr)) != -1;) {
    switch (chosen) {
      case 'c':
        file = optarg;
        break;
      case check_config_option:
        check_only = true;
        break;
      case adopt_option:
        adopts = true;
        break;
      case list_option:
        lists = true;
        break;
      case url_option:
        nats.url = optarg;
        break;
      case credentials_option:
        nats.credentials = optarg;
        break;
      case inbox_option:
        listing.inbox_prefix = optarg;
        break;
      case version_option:
        std::printf("aribus-nats %s\n", ARIBUS_VERSION);
        return 0;
      case 'h':
        std::fputs(usage, stdout);
        return 0;
      default:
        std::fputs("Try 'aribus-nats --help'.\n", stderr);
        return 2;
    }
  }
  if (optind < argc) {
    std::fprintf(stderr, "aribus-nats: unexpected argument '%s'\nTry 'aribus-nats --help'.\n",
                 aribus::escape_controls(argv[optind]).c_str());
    return 2;
  }
  if (int{check_only} + int{adopts} + int{lists} > 1) {
    std::fputs(
        "aribus-nats: one of --check-config, --adopt and --list is expected\nTry 'aribus-nats --help'.\n",
        stderr);
    return 2;
  }
  if (!lists && listing.inbox_prefix != aribus::nats::ListOptions().inbox_prefix) {
    std::fputs("aribus-nats: --inbox-prefix goes with --list\nTry 'aribus-nats --help'.\n", stderr);
    return 2;
  }
  if (nats.url.empty() ? !nats.credentials.empty() : !lists) {
    std::fputs(
        "aribus-nats: --url goes with --list, and --credentials with --url\n"
        "Try 'aribus-nats --help'.\n",
        stderr);
    return 2;
  }
  if (!nats.url.empty()) return list(nats, listing);

  using aribus::config::Purpose;
  auto config = aribus::nats::load_config(file, check_only ? Purpose::check : Purpose::start);
  if (!config) return fail(config.error(), 2);
  if (lists) return list(config->nats, listing);
  if (adopts) {
    const auto adopted = aribus::nats::adopt(*config);
    if (!adopted) return fail(adopted.error(), 1);
    std::printf("%s\n", adopted->c_str());
    return 0;
  }
  if (check_only) {
    for (const std::string& warning : config->warnings)
      std::fprintf(stderr, "warning: %s\n", aribus::escape_controls(warning).c_str());
    std::printf("%s: fine (%s, stream %s)\n", file.c_str(), config->name.c_str(),
                config->stream.name.c_str());
    return 0;
  }
  if (auto started = aribus::start_log(config->log_level); !started) return fail(started.error(), 2);
  spdlog::info("aribus-nats {} starting with {}", ARIBUS_VERSION, file);
  for (const std::string& warning : config->warnings) spdlog::warn("{}", warning);
  std::signal(SIGPIPE, SIG_IGN);  // writing to a closed connection returns an error instead
  auto bridge = aribus::nats::Bridge::make(std::move(*config));
  if (!bridge) return fail(bridge.error(), 1);
  const auto ended = (*bridge)->run();
  if (!ended) return fail(ended.error(), 1);
  if (!*ended) {
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
