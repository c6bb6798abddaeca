// The words and options of a command line.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cli/exit_code.h"
#include "client/client.h"
#include "client/connection.h"

namespace aribus::cli {

// The longest line that is accepted from aribusd: for answers of Asterisk, snapshots and records, and for
// answers of the daemon's own.
inline constexpr size_t max_line_bytes = client::ConnectionOptions().max_line_bytes;
inline constexpr size_t max_own_answer_bytes = size_t{16} << 20;

// How long the daemon may take to answer `hello`: a socket of systemd accepts for a daemon that is not
// running.
inline constexpr std::chrono::milliseconds hello_timeout{5'000};

// The words and options of a command line.
struct Arguments {
  std::string socket;                                        // of the daemon
  std::vector<std::string> words;                            // the command's name is the first
  std::vector<std::pair<std::string, std::string>> options;  // those of the command, in their order

  bool socket_given = false;  // by --socket or $ARIBUS_SOCKET

  [[nodiscard]] bool has(std::string_view option) const;
  [[nodiscard]] std::string value(std::string_view option) const;  // the last one, or ""
  [[nodiscard]] std::vector<std::string> values(std::string_view option) const;
  // Whether the output is readable text instead of JSON: by --text and --json, else when it is a terminal.
  [[nodiscard]] bool for_people() const;
  // A connection on which the daemon has answered `hello`, so that it reads what is sent.
  // Errors: system, not_connected, not_allowed.
  [[nodiscard]] Result<client::Connection> connect(
      size_t max_bytes = max_line_bytes, std::chrono::milliseconds hello_within = hello_timeout) const;
  // Likewise a client that reconnects.
  [[nodiscard]] Result<client::Client> stay_connected() const;
};

}  // namespace aribus::cli
