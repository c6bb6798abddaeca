#include "cli/answers.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/requests.h"

namespace aribus::cli {
namespace {

int reload(const Arguments& arguments) {
  if (arguments.words.size() > 1) return misuse("reload", "it takes no arguments");
  Result<client::Connection> client = arguments.connect(max_own_answer_bytes);
  if (!client) return fail(client.error());
  const Result<Json> answer = call_over(*client, "daemon.reload", "{}", command_timeout);
  if (!answer) return fail(answer.error());
  if (const auto good = check_reloaded(*answer); !good) return fail(good.error());
  if (find(*answer, "applied")->IsFalse()) {
    err().line("aribus: nothing was changed:");
    err().lines(find_string(*answer, "reason"));
    return failed;
  }
  const auto list = [&](const char* name, const std::string& before, const std::string& after) {
    const JsonValue* texts = find(*answer, name);
    if (texts == nullptr) return size_t{0};
    for (const auto& text : texts->GetArray()) out().line(before + std::string(as_view(text)) + after);
    return size_t{texts->Size()};
  };
  list("warnings", "warning: ", "");
  const auto told = list("changed", "", "") + list("restart", "", ": counts after a restart of aribusd");
  if (told == 0) out().line("the configuration is as it was");
  return done;
}

}  // namespace

Command reload_command() {
  return {"reload",
          "",
          "makes the daemon read its configuration again and shows what changed",
          "Exit status 1: the configuration has an error and nothing was changed.",
          {},
          reload};
}

}  // namespace aribus::cli
