// Names of NATS subjects; see docs/scale-out.md.
#pragma once

#include <string>
#include <string_view>

namespace aribus::nats {

// One token: bytes other than A-Z, a-z, 0-9, `_` and `-` become %XX; an empty text becomes `_`.
[[nodiscard]] std::string token(std::string_view text);

// The subject of a record: aribus.v1.rec.<pbx>.<server>.<app>.<Type>. `pbx` must already be a token. Tokens
// of more than 1,000 bytes are cut.
[[nodiscard]] std::string record_subject(std::string_view pbx, std::string_view server, std::string_view app,
                                         std::string_view type);

// The wildcard subject of all records of one daemon.
[[nodiscard]] std::string records_of(std::string_view pbx);

}  // namespace aribus::nats
