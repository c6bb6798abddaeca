#include <chrono>

#include "cli/calls_screen.h"
#include "cli/calls_table.h"
#include "cli/calls_view.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/live_screen.h"
#include "cli/output.h"
#include "cli/requests.h"
#include "client/client.h"

namespace aribus::cli {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds drawn_every{500};
constexpr int most_of_time = 4;  // a screen that takes long to draw is drawn less often: one part of five
constexpr size_t records_at_a_time = 1000;  // then keys have their turn
constexpr std::string_view with_snapshot = R"({"snapshot":true})";

CallFilter filter_of(const Arguments& arguments) {
  return {arguments.values("server"), arguments.values("app"), arguments.values("channel"),
          arguments.value("search")};
}

// Prints the current calls once, as a table or for programs.
int print_calls(const Arguments& arguments, const CallFilter& filter, const CallOrder& order) {
  Result<client::Connection> client = arguments.connect();
  if (!client) return fail(client.error());
  const auto subscribed = subscribe(*client, with_snapshot);
  if (!subscribed) return fail(subscribed.error());
  CallsTable table;
  if (const JsonValue* snapshot = find(*subscribed, "snapshot")) table.take_snapshot(*snapshot);
  if (const auto status = call_over(*client, "status"))
    table.take_status(*status);  // without it the table does not say which Asterisks are connected
  const std::vector<CallRow> all = table.rows();
  if (const std::string trouble = table.trouble(); !trouble.empty()) err().line("aribus: " + trouble);
  const WallTime now = wall_now();
  if (arguments.has("json")) {
    const auto document = parse_own_json(
        calls_json(lines_of_calls(all, filter, order), all.size(), find_string(*subscribed, "cursor"), now));
    if (!document) return fail(document.error());
    out().json_document(*document);
  } else if (arguments.for_people()) {
    const std::vector<CallLine> lines = with_legs(lines_of_calls(all, filter, order),
                                                  [](const CallRow& call) { return call.legs.size() > 1; });
    const CallColumns columns(lines, now, out().size().second, true);
    out().line(columns.names());
    for (const CallLine& line : lines) out().line(columns.line(line, now, false));
  } else {
    out().fields(leg_field_names());
    for (const CallLine& line : lines_of_legs(all, filter, order)) out().fields(leg_fields(line, now));
  }
  return done;
}

// The calls, kept up to date over all connections to the daemon.
class LiveCalls {
 public:
  LiveCalls(client::Client& client, CallsScreen& screen) : client_(client), screen_(screen) {}

  // Subscribes with a snapshot; is_subscribed() once the answer has come.
  Result<void> ask() {
    Result<client::CallPtr> asked = client_.send("subscribe", with_snapshot, {});
    if (!asked) return asked.error();
    asked_ = *asked;
    return {};
  }
  [[nodiscard]] bool is_subscribed() const { return subscribed_; }

  // Takes what has come, as much as has its turn. True when the connection has been lost, or is there again.
  // Errors: the daemon refuses what is asked for.
  Result<bool> read() {
    bool changed = false;
    for (size_t count = 0; count < records_at_a_time; ++count) {
      if (asked_->outcome && !*asked_->outcome) return asked_->outcome->error();
      const Result<std::optional<client::Item>> item = client_.next(milliseconds(0));
      if (!item) return item.error();
      if (!*item) break;
      changed = changed || (*item)->type == "disconnected" || (*item)->type == "subscribed";
      if (const auto taken = take(**item); !taken) return taken.error();
    }
    if (status_ && status_->outcome) {
      if (*status_->outcome) table_.take_status(**status_->outcome);
      status_.reset();
      changed = true;
    }
    return changed;
  }
  [[nodiscard]] const CallsTable& table() const { return table_; }

 private:
  Result<void> take(const client::Item& item) {
    if (item.type == "disconnected") {
      screen_.disconnected(wall_now(), std::string(find_string(item.fields, "reason")));
      return {};
    }
    if (item.type == "subscribed") {
      screen_.connected();
      subscribed_ = true;
      if (Result<client::CallPtr> asked = client_.send("status", "{}", {})) status_ = *asked;
    }
    const JsonValue* snapshot = find(item.fields, "snapshot");
    if (item.type == "subscribed" && snapshot != nullptr) {
      table_.take_snapshot(*snapshot);
    } else if (item.type == "lost") {
      return ask();  // the table is incomplete; the screen stays usable meanwhile
    } else if (item.type != "subscribed") {
      table_.apply(item.fields);
    }
    return {};
  }

  client::Client& client_;
  CallsScreen& screen_;
  CallsTable table_;
  client::CallPtr asked_;  // `subscribe`
  bool subscribed_ = false;
  client::CallPtr status_;  // `status`, after each subscription
};

bool is_not_allowed(const client::Client& client) {
  return client.fd() < 0 && client.why().kind == ErrorKind::not_allowed;
}

// Waits for the first answer, so that there is no screen yet when that is an error.
Result<void> begin(client::Client& client, LiveCalls& calls) {
  if (const auto asked = calls.ask(); !asked) return asked;
  for (const auto patience = Clock::now() + own_answer_timeout; interrupted == 0;) {
    if (const auto changed = calls.read(); !changed) return changed.error();
    if (calls.is_subscribed()) break;
    if (is_not_allowed(client)) return client.why();
    if (Clock::now() > patience)
      return Error{ErrorKind::not_connected, "aribusd does not answer subscribe", {}};
    client.advance_for(milliseconds(200));
  }
  return {};
}

// Until a key or a signal asks for the end, or the terminal has gone.
Result<void> watch(client::Client& client, CallsScreen& screen) {
  LiveCalls calls(client, screen);
  if (const auto begun = begin(client, calls); !begun) return begun;
  LiveScreen terminal;
  auto next = Clock::now();
  const auto draw = [&] {
    const auto [rows, columns] = out().screen_size();
    out().show(screen.lines(wall_now(), rows, columns));
  };
  auto size = out().screen_size();
  while (interrupted == 0 && !terminal.is_over()) {
    const auto changed = calls.read();
    if (!changed) return changed.error();
    if (const auto began = Clock::now(); *changed || began >= next) {
      screen.show(calls.table().rows(), calls.table().trouble());
      draw();
      const auto now = Clock::now();
      next = now + std::max<Clock::duration>(drawn_every, most_of_time * (now - began));
    }
    if (is_not_allowed(client)) return client.why();
    const milliseconds left = std::chrono::ceil<milliseconds>(next - Clock::now());
    const milliseconds timeout =
        client.waiting_items() > 0 ? milliseconds(0) : std::max(left, milliseconds(0));
    const std::vector<Key> keys = terminal.wait(client.fd(), timeout);
    for (const Key& key : keys) {
      if (!screen.press(key)) return {};
    }
    if (!keys.empty() || out().screen_size() != size) draw();
    size = out().screen_size();
  }
  return {};
}

int watch_calls(const Arguments& arguments, const CallFilter& filter, const CallOrder& order) {
  Result<client::Client> client = arguments.stay_connected();
  if (!client) return fail(client.error());
  catch_interrupts();
  CallsScreen screen(filter, order);
  const Result<void> watched = watch(*client, screen);  // the terminal is as it was behind this
  return watched ? done : fail(watched.error());
}

int calls(const Arguments& arguments) {
  if (arguments.words.size() > 1) {
    return misuse("calls", "it takes no arguments; --search TEXT shows the calls in which a text occurs");
  }
  CallOrder order;
  if (arguments.has("sort")) {
    const auto given = CallOrder::read(arguments.value("sort"));
    if (!given) {
      return misuse("calls",
                    "--sort: " + std::string(call_orders) + " is expected, with - in front for the reverse");
    }
    order = *given;
  }
  const bool once = !out().is_terminal() || arguments.has("once") || arguments.has("json");
  return once ? print_calls(arguments, filter_of(arguments), order)
              : watch_calls(arguments, filter_of(arguments), order);
}

}  // namespace

Command calls_command() {
  return {
      "calls",
      "",
      "shows a table of calls with their legs; live on a terminal",
      "A line for each call, with its legs, the live channels that it is made of, below it. On a terminal: "
      "arrows, PageUp, PageDown, Home and End move, Enter opens and closes the call, / searches, s sorts, q "
      "ends, ? shows all keys; it continues after a restart of aribusd. Channels that belong to no call have "
      "lines of their own. In a pipe: a line with the names of the fields and a line for each channel, "
      "separated by tabs; the field CALL says to which call it belongs. --app, --server and --channel may be "
      "given several times.",
      {{"app", "NAME", "with a channel in this Stasis application"},
       {"server", "NAME", "of this Asterisk"},
       {"channel", "ID", "with this channel"},
       {"search", "TEXT", "only calls with TEXT in a name, a number, an id or a bridge"},
       {"sort", "COLUMN",
        "time, who, called, with, state, app, bridge, server or channel; -time: the newest first"},
       {"json", "", "print one JSON document and end"},
       {"text", "", "print the table in a pipe as well"},
       {"once", "", "print the table once and end"}},
      calls};
}

}  // namespace aribus::cli
