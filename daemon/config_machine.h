// What a configuration needs of the machine that it is checked on.
#pragma once

#include <string>
#include <vector>

#include "daemon/config_reading.h"

namespace aribus::daemon {

// How the daemon is run here.
struct Machine {
  std::string user = "aribus";  // that the package's unit runs it as; where there is none: whoever checks
  // What systemd makes, at the latest when it starts the daemon: folders (RuntimeDirectory and StateDirectory
  // of the unit) and sockets (ListenStream of the socket unit).
  std::vector<std::string> folders{"/run/aribus", "/var/lib/aribus"};
  std::vector<std::string> sockets{"/run/aribus/aribus.sock"};

  // With what the units and drop-ins below `systemd` add, one folder of units each.
  [[nodiscard]] static Machine read(const std::vector<std::string>& systemd = {"/usr/lib/systemd/system",
                                                                               "/lib/systemd/system",
                                                                               "/etc/systemd/system"});
};

// Notes what the daemon would miss when it started now: folders of its files, rights, room on the disk, ports
// that others have. Changes nothing; a port that is free is listened at for a moment.
//
// Who checks is not always who runs the daemon. A mistake is what fails for both, for the checking user and
// for `machine.user`. What root may and `machine.user` may not is a warning: root may start it by hand. Where
// there is no such user and the file is somebody else's, nobody knows who runs it: that is a warning as well.
void check_machine(Reading& reading, const YamlValue& root, const Config& config,
                   const Machine& machine = Machine::read());

}  // namespace aribus::daemon
