#include "cli/answers.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/requests.h"
#include "cli/status_view.h"

namespace aribus::cli {
namespace {

int status(const Arguments& arguments) {
  if (arguments.words.size() > 1) return misuse("status", "it takes no arguments");
  Result<client::Connection> client = arguments.connect(max_own_answer_bytes);
  if (!client) return fail(client.error());
  const Result<Json> answer = look_over(*client, "status");
  if (!answer) return fail(answer.error());
  if (!arguments.for_people()) {
    out().json_document(*answer);
    return done;
  }
  if (const auto good = check_status(*answer); !good) return fail(good.error());
  for (const Text& line : status_lines(*answer, wall_now(), text_columns())) out().line(line);
  return done;
}

}  // namespace

Command status_command() {
  return {"status",
          "",
          "shows the state of the daemon: its Asterisks, its records, its programs",
          "A readable text on a terminal, JSON in a pipe.",
          {{"json", "", "JSON on a terminal as well"}, {"text", "", "a readable text in a pipe as well"}},
          status};
}

}  // namespace aribus::cli
