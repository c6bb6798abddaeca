#include "cli/answers.h"
#include "cli/clients_view.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/requests.h"

namespace aribus::cli {
namespace {

int clients(const Arguments& arguments) {
  if (arguments.words.size() > 1) return misuse("clients", "it takes no arguments");
  Result<client::Connection> client =
      arguments.connect();  // as many clients as there may be, with long filters
  if (!client) return fail(client.error());
  const Result<Json> answer = look_over(*client, "daemon.clients");
  if (!answer) return fail(answer.error());
  if (!arguments.for_people()) {
    out().json_document(*answer);
    return done;
  }
  if (const auto good = check_clients(*answer); !good) return fail(good.error());
  for (const Text& line : clients_lines(*answer, wall_now(), text_columns())) out().line(line);
  return done;
}

}  // namespace

Command clients_command() {
  return {
      "clients",
      "",
      "shows connected and recently disconnected programs, what each receives and what it lost",
      "A readable text on a terminal, JSON in a pipe. BEHIND is the number of records not yet sent to the "
      "program, LOST the number that it was too slow for. The access rule has to allow daemon.clients.",
      {{"json", "", "JSON on a terminal as well"}, {"text", "", "a readable text in a pipe as well"}},
      clients};
}

}  // namespace aribus::cli
