#include "cli/calls.h"

#include <chrono>

#include "cli/calls_table.h"
#include "cli/output.h"

namespace aribus::cli {
namespace {

using client::Connection;
using std::chrono::milliseconds;

void show_live(const CallsTable& table) {
  const auto [rows, columns] = out().size();
  std::vector<Text> lines = table.lines(wall_now(), rows - 2, columns);
  lines.insert(lines.begin(),
               std::to_string(table.size()) + " channels, " + to_rfc3339(wall_now()).substr(11, 8) + " UTC");
  out().show(lines);
}

// Shows the table until it is interrupted, or the connection ends.
Result<void> watch(Connection& client, CallsTable& table) {
  auto next = std::chrono::steady_clock::now();
  for (;;) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= next) {
      show_live(table);
      next = now + milliseconds(500);
    }
    const auto notification = client.next(milliseconds(200));
    if (interrupted != 0) return {};
    if (!notification) return notification.error();
    if (!*notification) continue;
    if ((*notification)->method != "lost") {
      table.apply((*notification)->params);
      continue;
    }
    const auto again = subscribe(client, R"({"snapshot":true})");  // begin anew
    if (!again) return again.error();
    if (const JsonValue* taken = find(*again, "snapshot")) table.take_snapshot(*taken);
  }
}

}  // namespace

int calls(const Arguments& arguments) {
  if (arguments.words.size() > 1) return misuse("calls takes no arguments");
  Result<Connection> client = arguments.connect();
  if (!client) return fail(client.error());
  const auto snapshot = subscribe(*client, R"({"snapshot":true})");
  if (!snapshot) return fail(snapshot.error());
  CallsTable table;
  if (const JsonValue* taken = find(*snapshot, "snapshot")) table.take_snapshot(*taken);
  if (!out().is_terminal() || arguments.has("once")) {
    const auto [rows, columns] = out().size();
    for (const Text& line : table.lines(wall_now(), rows, columns)) out().line(line);
    return done;
  }
  catch_interrupts();
  out().open_screen();
  const Result<void> watched = watch(*client, table);
  out().close_screen();
  return watched ? done : fail(watched.error());
}

}  // namespace aribus::cli
