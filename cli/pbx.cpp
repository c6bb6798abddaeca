#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/pbx_view.h"

namespace aribus::cli {
namespace {

constexpr const char* program = "aribus-nats";
constexpr const char* installed = "/usr/sbin/aribus-nats";  // which is in few users' $PATH
constexpr int printed_to = 1;                               // by any program
constexpr int wrong_usage = 2;                              // its exit status

// The output of a program and its exit status.
struct Printed {
  std::string text;
  int status = 0;
};

// Runs aribus-nats, which reports failures on standard error. Errors: system.
Result<Printed> run(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("a pipe");
  const Fd from(ends[0]);
  Fd to(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to.get(), printed_to);
  pid_t child = 0;
  int failed = ::posix_spawnp(&child, program, &actions, nullptr, arguments.data(), environ);
  if (failed == ENOENT)
    failed = ::posix_spawn(&child, installed, &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed == ENOENT) {
    return Error{
        ErrorKind::system,
        "aribus-nats, which asks NATS, is not installed here: install the package aribus-nats (it need "
        "not run here)",
        {}};
  }
  if (failed != 0)
    return Error{ErrorKind::system, std::string("running aribus-nats: ") + std::strerror(failed), {}};
  to.reset();
  Printed printed;
  char bytes[16 * 1024];
  for (ssize_t count = 0; (count = ::read(from.get(), bytes, sizeof bytes)) != 0;) {
    if (count < 0 && errno != EINTR) break;
    if (count > 0) printed.text.append(bytes, static_cast<size_t>(count));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  printed.status = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
  return printed;
}

int pbx(const Arguments& arguments) {
  if (arguments.words.size() > 1) return misuse("pbx", "it takes no arguments");
  if (arguments.has("url") && arguments.has("config"))
    return misuse("pbx", "--url and --config; one of them is expected");
  if (arguments.has("credentials") && !arguments.has("url"))
    return misuse("pbx", "--credentials goes with --url; a configuration names its own");
  std::vector<std::string> words{program, "--list"};
  for (const auto& [option, value] : arguments.options) {
    if (option != "json" && option != "text") words.insert(words.end(), {"--" + option, value});
  }
  const Result<Printed> printed = run(std::move(words));
  if (!printed) return fail(printed.error());
  if (printed->status == wrong_usage) return misused;
  if (printed->status != 0) return not_connected;
  const Result<Json> list = parse_own_json(printed->text);
  if (!list)
    return fail(Error{ErrorKind::malformed, "aribus-nats printed no JSON: " + list.error().message, {}});
  if (!arguments.for_people()) {
    out().json_document(*list);
    return done;
  }
  for (const Text& line : pbx_lines(*list, text_columns())) out().line(line);
  return done;
}

}  // namespace

Command pbx_command() {
  return {
      "pbx",
      "",
      "lists the PBXs connected by NATS: their Asterisks, and how far their records are behind",
      "Asks the aribus-nats of each PBX. It uses the program aribus-nats, which must be installed here but "
      "need not run. A readable text on a terminal, JSON in a pipe. BEHIND is the number of records not yet "
      "in NATS, LOST the number that were overwritten before they could be published. Exit status 3: NATS "
      "can't be reached.",
      {{"url", "URL", "of NATS, for example nats://127.0.0.1:4222; several URLs are separated by commas"},
       {"credentials", "FILE", "the credentials file, with --url"},
       {"inbox-prefix", "PREFIX",
        "prefix of the subjects on which the user may receive answers (default _INBOX)"},
       {"config", "FILE",
        "a configuration of aribus-nats with the URL and credentials (default "
        "/etc/aribus/nats.yaml)"},
       {"json", "", "JSON on a terminal as well"},
       {"text", "", "a readable text in a pipe as well"}},
      pbx};
}

}  // namespace aribus::cli
