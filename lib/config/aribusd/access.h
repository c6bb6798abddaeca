// The parts of the configuration that name methods, users and groups: the sections `access` and
// `logging.audit`, and the rights of `sockets`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/aribusd/reading.h"
#include "control/access.h"
#include "control/audit.h"
#include "net/unix_socket.h"

namespace aribus::config {

// The rules, for a daemon that listens on `sockets`. Mistakes are noted; `warnings` gets what is allowed but
// unwise.
[[nodiscard]] control::Access read_access(const YamlValue& value, const std::vector<SocketOptions>& sockets,
                                          std::vector<std::string>& warnings);

// The commands to audit: true, false, or a mapping of `methods` and `exclude`.
[[nodiscard]] control::AuditOptions read_audit(const YamlValue& value);

}  // namespace aribus::config
