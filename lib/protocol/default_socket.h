// Where aribusd listens.
#pragma once

namespace aribus {

// The socket of aribusd unless its configuration, --socket or $ARIBUS_SOCKET says otherwise.
inline constexpr const char* default_socket = "/run/aribus/aribus.sock";

}  // namespace aribus
