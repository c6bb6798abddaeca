#include "cli/answers.h"
#include "cli/clients_view.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace aribus::cli {

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

}  // namespace aribus::cli
