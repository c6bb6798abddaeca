#include "cli/exit_code.h"

#include "cli/output.h"

namespace aribus::cli {

int fail(const Error& error) {
  err().line("aribus: " + error.message);
  if (!error.data.empty()) err().json(error.data);
  switch (error.kind) {
    case ErrorKind::unknown_method:
    case ErrorKind::invalid_params:
      return misused;
    case ErrorKind::system:  // the socket
    case ErrorKind::not_connected:
      return not_connected;
    case ErrorKind::outcome_unknown:
      return outcome_unknown;
    case ErrorKind::not_allowed:
      return not_allowed;
    default:
      return failed;
  }
}

int misuse(const std::string& message) {
  err().line("aribus: " + message);
  err().line("Try 'aribus --help'.");
  return misused;
}

int misuse(const std::string& command, const std::string& message) {
  err().line("aribus " + command + ": " + message);
  err().line("Try 'aribus " + command + " --help'.");
  return misused;
}

Error file_error(std::string_view what) {
  Error error = system_error(what);
  error.kind = ErrorKind::internal;  // not an error of the socket
  return error;
}

}  // namespace aribus::cli
