// What of the configuration names methods, users and groups: the sections `access` and `logging.audit`, and
// the rights of `sockets`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/aribusd/reading.h"
#include "control/audit.h"
#include "frontend/unix/server.h"

namespace aribus::config {

// The rules, for daemons that listen on `sockets`. Mistakes are noted; what is allowed and unwise goes to
// `warnings`.
[[nodiscard]] control::Access read_access(const YamlValue& value, const std::vector<SocketOptions>& sockets,
                                          std::vector<std::string>& warnings);

// The commands to be written down: true, false, or a mapping of `methods` and `exclude`.
[[nodiscard]] control::AuditOptions read_audit(const YamlValue& value);

}  // namespace aribus::config
