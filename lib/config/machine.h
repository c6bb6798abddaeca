// What a configuration needs of the machine that it is checked on.
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

// Where systemd looks for units, as far as packages and administrators use it.
[[nodiscard]] std::vector<std::string> unit_folders();

// How a program is run here.
struct Machine {
  std::string program;         // the name of its processes, as aribusd
  std::string default_config;  // that it reads without --config
  std::string user;            // that the package's unit runs it as; where there is none: whoever checks
  // What systemd makes, at the latest when it starts the program: folders (RuntimeDirectory and
  // StateDirectory of the unit) and sockets (ListenStream of the socket unit).
  std::vector<std::string> folders{};
  std::vector<std::string> sockets{};

  // Adds what PROGRAM.service, PROGRAM.socket and their drop-ins below `systemd` say, one folder of units
  // each.
  void read_units(const std::vector<std::string>& systemd = unit_folders());
};

// A user that a program may run as.
struct User {
  std::string name;  // for errors
  uid_t uid = 0;
  std::vector<gid_t> groups{};

  [[nodiscard]] bool is_in(gid_t group) const;
  // Whether the mode and the owner of a file give the user `rights` (R_OK, W_OK, X_OK). An access control
  // list is taken to give them.
  [[nodiscard]] bool may(const std::string& path, int rights) const;
  // The same, and all folders above it may be entered.
  [[nodiscard]] bool reaches(const std::string& path, int rights) const;
};

// The folder that a path is in; "." for the present one.
[[nodiscard]] std::string folder_of(const std::string& path);

// Notes what a program would miss when it started now: folders of its files, rights, ports that others have.
// Changes nothing; a port that is free is listened at for a moment.
//
// Who checks is not always who runs the program. A mistake is what fails for both, for the checking user and
// for `machine.user`. What root may and `machine.user` may not is a warning: root may start it by hand. Where
// there is no such user and the file is somebody else's, nobody knows who runs it: that is a warning as well.
class MachineCheck {
 public:
  using Tell = std::function<void(const YamlValue& place, const std::string& message)>;

  // Both outlive it.
  MachineCheck(Reading& reading, const Machine& machine);

  // Notes what `told` says of a user: nothing when the program's user may do it, a warning when only root
  // may.
  void require(const YamlValue& place, const std::function<bool(const User&)>& may,
               const std::function<std::string(const User&)>& told);
  // The folder of a file that the program makes.
  void check_folder(const YamlValue& place, const std::string& path);
  // A file, named by `place`, that this user can read, and the program's perhaps not.
  void check_readable(const YamlValue& place);
  // A socket to listen on; `section` has its `path`, `owner` and `group`.
  void check_socket(const YamlValue& section, const SocketOptions& socket);
  // A port to listen at. `tell` takes what is wrong.
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
  bool is_for_these_ = true;  // no third user runs the program
};

}  // namespace aribus::config
