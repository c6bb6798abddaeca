// Checks a configuration against the machine that it is for.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "config/reading.h"
#include "net/unix_socket.h"
#include "service/http_listener.h"

namespace aribus::config {

// The folders in which packages and administrators put systemd's units.
[[nodiscard]] std::vector<std::string> unit_folders();

// How a program is run on this machine.
struct Machine {
  std::string program;         // the name of its processes, as aribusd
  std::string default_config;  // read without --config
  std::string user;  // the package's unit runs it as this user; if there is none: the one who checks
  // Made by systemd, at the latest when it starts the program: folders (RuntimeDirectory and StateDirectory
  // of the unit) and sockets (ListenStream of the socket unit).
  std::vector<std::string> folders{};
  std::vector<std::string> sockets{};

  // Adds what PROGRAM.service, PROGRAM.socket and their drop-ins say, in each of the folders `systemd`.
  void read_units(const std::vector<std::string>& systemd = unit_folders());
};

// A user that a program may run as.
struct User {
  std::string name;  // for errors
  uid_t uid = 0;
  std::vector<gid_t> groups{};

  [[nodiscard]] bool is_in(gid_t group) const;
  // Whether the mode and the owner of a file give the user `rights` (R_OK, W_OK, X_OK). An access control
  // list is assumed to give them.
  [[nodiscard]] bool may(const std::string& path, int rights) const;
  // The same, and the user may enter all folders above it.
  [[nodiscard]] bool reaches(const std::string& path, int rights) const;
};

// The folder that a path is in; "." for the current one.
[[nodiscard]] std::string folder_of(const std::string& path);

// Notes what a program would lack if it started now: folders of its files, rights, ports that are in use.
// Changes nothing; it listens at a free port for a moment.
//
// The one who checks is not always the one who runs the program. What fails for both, the checking user and
// `machine.user`, is a mistake. What root may do and `machine.user` may not is a warning: root may start the
// program by hand. If there is no such user and the file is somebody else's, it is unknown who runs the
// program: that is a warning, too.
class MachineCheck {
 public:
  using Tell = std::function<void(const YamlValue& place, const std::string& message)>;

  // Both must outlive it.
  MachineCheck(Reading& reading, const Machine& machine);

  // Notes what `told` says about a user if the program's user may not do it; a warning if root may.
  void require(const YamlValue& place, const std::function<bool(const User&)>& may,
               const std::function<std::string(const User&)>& told);
  // The folder of a file that the program makes.
  void check_folder(const YamlValue& place, const std::string& path);
  // A file, named by `place`, that this user can read, and the program's user perhaps not.
  void check_readable(const YamlValue& place);
  // A socket to listen on; `section` has its `path`, `owner` and `group`.
  void check_socket(const YamlValue& section, const SocketOptions& socket);
  // A port to listen at. `tell` gets what is wrong.
  void check_port(const YamlValue& place, const std::string& address, int port, const Tell& tell);
  // The section `metrics`.
  void check_metrics(const YamlValue& section, const service::HttpOptions& metrics);

 private:
  [[nodiscard]] bool has_folder(const YamlValue& place, const std::string& path);
  void check_owner(const YamlValue& section, const SocketOptions& socket);
  [[nodiscard]] bool warn_of_holder(const YamlValue& place, const std::vector<std::string>& listeners);

  Reading& reading_;
  const Machine& machine_;
  User self_;
  std::optional<User> service_;
  bool is_for_these_ = true;  // self_ or service_ runs the program, no third user
};

}  // namespace aribus::config
