// What of the configuration names methods, users and groups: the sections `access` and `logging.audit`, and
// the rights of `sockets`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/audit.h"
#include "daemon/yaml_reader.h"
#include "ipc/server.h"

namespace aribus::daemon {

// The id of the user of that name, or with that id in digits; nothing when there is none of that name. Asks
// the name service.
[[nodiscard]] std::optional<uid_t> find_user(const std::string& name);

// The id of the user or group that `value` names, or gives in digits. Throws ConfigError when there is none
// of that name. Asks the name service.
[[nodiscard]] uid_t user_id(const YamlValue& value);
[[nodiscard]] gid_t group_id(const YamlValue& value);

// The rules, for daemons that listen on `sockets`. Mistakes are noted; what is allowed and unwise goes to
// `warnings`.
[[nodiscard]] control::Access read_access(const YamlValue& value,
                                          const std::vector<ipc::SocketOptions>& sockets,
                                          std::vector<std::string>& warnings);

// The commands to be written down: true, false, or a mapping of `methods` and `exclude`.
[[nodiscard]] control::AuditOptions read_audit(const YamlValue& value);

}  // namespace aribus::daemon
