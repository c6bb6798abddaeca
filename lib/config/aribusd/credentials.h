// Finds the passwords of `password_credential`, which systemd passes to the service.
#pragma once

#include <string>

namespace aribus::config {

// The file of the credential `name`: in $CREDENTIALS_DIRECTORY. A process without that, such as a check by
// hand, gets the file that aribusd's unit loads, or else the one that the running service has. "": there is
// no such credential, or `name` is no valid name of one.
[[nodiscard]] std::string credential_file(const std::string& name);

// The file from which the packaged unit loads the credential.
[[nodiscard]] std::string credential_source(const std::string& name);
// The file that the running service has. systemd makes it when the service starts, and does not renew it on a
// reload.
[[nodiscard]] std::string credential_in_use(const std::string& name);

}  // namespace aribus::config
