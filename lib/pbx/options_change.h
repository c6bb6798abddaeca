// What a change of an Asterisk's options needs.
#pragma once

#include <cstdint>

#include "pbx/server_options.h"

namespace aribus::pbx {

enum class OptionsChange : uint8_t {
  nothing,     // they are the same
  times,       // only time-outs and pauses differ: the connection takes them at once (ari::Client::set_times)
  connection,  // anything else differs: another connection
};

// What it takes to go from the options `before` to `after`. Required: they have the same name.
[[nodiscard]] OptionsChange change_of(const ServerOptions& before, const ServerOptions& after);

// `options`, with the time-outs and pauses of `from`.
[[nodiscard]] ari::ClientOptions with_times(ari::ClientOptions options, const ari::ClientOptions& from);

}  // namespace aribus::pbx
