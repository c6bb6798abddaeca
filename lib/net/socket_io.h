// Reading and writing a connected stream socket without blocking.
#pragma once

#include <optional>
#include <span>

#include <sys/types.h>
#include <sys/uio.h>

#include "base/fd.h"

namespace aribus {

// Reads at most `room.size()` bytes. Returns what recv(2) does: 0 at the end of input, -1 with `errno`; never
// because of a signal.
[[nodiscard]] ssize_t receive_now(const Fd& socket, std::span<char> room);
// Whether an error in `errno` says that there is nothing to read, or no room to write, at present.
[[nodiscard]] bool would_block();
// Writes what the socket takes of `pieces`, in one call, and returns how many bytes that are; nothing: the
// connection is broken.
[[nodiscard]] std::optional<size_t> send_now(const Fd& socket, std::span<iovec> pieces);

}  // namespace aribus
