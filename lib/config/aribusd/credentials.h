// Where the passwords of `password_credential` are: systemd hands them to the service.
#pragma once

#include <string>

namespace aribus::config {

// The file of the credential `name`: in $CREDENTIALS_DIRECTORY. A process that has none, as a check by hand,
// gets the file that aribusd's unit loads, or else the one that the running service was handed. "": there is
// no such credential, or `name` is no name of one.
[[nodiscard]] std::string credential_file(const std::string& name);

// The file that the unit as it comes loads the credential from.
[[nodiscard]] std::string credential_source(const std::string& name);
// The file that the running service was handed. systemd makes it when the service starts, and not anew when
// it reloads.
[[nodiscard]] std::string credential_in_use(const std::string& name);

}  // namespace aribus::config
