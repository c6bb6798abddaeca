// The commands of the tool.
#pragma once

#include <chrono>
#include <csignal>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/client.h"
#include "client/connection.h"

namespace aribus::cli {

// How the tool ends: scripts tell by it what to do next.
enum ExitCode : int {
  done = 0,
  failed = 1,           // refused by Asterisk, or anything that is not below: files that can't be used, …
  misused = 2,          // wrong arguments: nothing was sent
  not_connected = 3,    // aribusd, or its Asterisk, is not there or does not answer: nothing was changed
  outcome_unknown = 4,  // a command was sent, and no answer came in time
  not_allowed = 5,      // an access rule forbids it: nothing was sent
};

// The longest line that is taken of aribusd: where an answer may be one of Asterisk's or a snapshot, or a
// record comes, and where it is one of the daemon's own.
inline constexpr size_t max_line_bytes = client::ConnectionOptions().max_line_bytes;
inline constexpr size_t max_own_answer_bytes = size_t{16} << 20;

// Says on standard error what went wrong; returns the exit status for it. `command` is the one whose
// arguments are wrong.
int fail(const Error& error);
int misuse(const std::string& message);
int misuse(const std::string& command, const std::string& message);

// An error about a file, from `errno`.
[[nodiscard]] Error file_error(std::string_view what);

// Not 0 once a signal has asked for the end, after catch_interrupts().
extern volatile std::sig_atomic_t interrupted;
void catch_interrupts();

// How long the daemon may take to say who it is: a socket of systemd's accepts for a daemon that does not
// run.
inline constexpr std::chrono::milliseconds hello_timeout{5'000};
// How long it may take, then, for an answer of its own.
inline constexpr std::chrono::milliseconds own_answer_timeout{15'000};
// How long it may take for a command: Asterisk's own time, and what the daemon waits for, come before it.
inline constexpr std::chrono::milliseconds command_timeout{60'000};

// How wide texts for people are: as the terminal, but no more than 100 columns, as long lines are hard to
// read.
[[nodiscard]] size_t text_columns();

// Calls a method. Unlike in client::Connection::call(), what was sent and not answered has an unknown
// outcome, unless the daemon says that it takes nothing of this program.
[[nodiscard]] Result<Json> call_over(client::Connection& client, std::string_view method,
                                     std::string_view params = "{}",
                                     std::chrono::milliseconds timeout = own_answer_timeout);
// Likewise a method that only looks: without an answer the error is not_connected.
[[nodiscard]] Result<Json> look_over(client::Connection& client, std::string_view method,
                                     std::string_view params = "{}");
// Likewise `subscribe`, whose answer is checked.
[[nodiscard]] Result<Json> subscribe(client::Connection& client, std::string_view params);

// A command's words, after its options were taken out.
struct Arguments {
  std::string socket;                                        // of the daemon
  std::vector<std::string> words;                            // the command's name is the first
  std::vector<std::pair<std::string, std::string>> options;  // those of the command, in their order

  bool socket_given = false;  // by --socket or $ARIBUS_SOCKET

  [[nodiscard]] bool has(std::string_view option) const;
  [[nodiscard]] std::string value(std::string_view option) const;  // the last one, or ""
  [[nodiscard]] std::vector<std::string> values(std::string_view option) const;
  // Whether the output is a text for people, or JSON: by --text and --json, else by whether it is a terminal.
  [[nodiscard]] bool for_people() const;
  // A connection over which the daemon has said who it is, so that it reads what is sent.
  // Errors: system, not_connected, not_allowed.
  [[nodiscard]] Result<client::Connection> connect(
      size_t max_bytes = max_line_bytes, std::chrono::milliseconds hello_within = hello_timeout) const;
  // Likewise one that is made again whenever it ends.
  [[nodiscard]] Result<client::Client> stay_connected() const;
};

struct Option {
  std::string_view name;
  std::string_view value;  // what it stands for in the help; "": it takes none
  std::string_view help;
};

struct Command {
  std::string_view name;
  std::string_view arguments;  // for the help
  std::string_view summary;
  std::string_view more;  // for the command's own help
  std::vector<Option> options;
  int (*run)(const Arguments&);
};

[[nodiscard]] const std::vector<Command>& commands();
// nullptr when there is none.
[[nodiscard]] const Command* find_command(std::string_view name);

int tail(const Arguments& arguments);
int clients(const Arguments& arguments);
int pbx(const Arguments& arguments);
int call(const Arguments& arguments);
int verb(const Arguments& arguments);
int status(const Arguments& arguments);
int reload(const Arguments& arguments);
int check(const Arguments& arguments);
int doctor(const Arguments& arguments);
int record(const Arguments& arguments);
int replay(const Arguments& arguments);
int complete(const Arguments& arguments);

}  // namespace aribus::cli
