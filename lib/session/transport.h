// The bytes of one connection.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <sys/uio.h>

#include "base/fd.h"
#include "net/loop.h"

namespace aribus::session {

// A connected stream socket that does not block. Nothing else of a session reads from it or writes to it.
// Belongs to the loop's thread.
class Transport {
 public:
  // Calls `on_ready(events)` (UV_READABLE, UV_WRITABLE or both) when the socket has input or takes output;
  // see watch(). At first it watches for input.
  Transport(Loop& loop, Fd socket, std::function<void(int events)> on_ready);

  enum class Input {
    bytes,
    nothing,  // at present
    end,      // the peer has closed its sending side
    broken,
  };
  // Replaces `bytes` by what has come, 64 KiB at most.
  [[nodiscard]] Input read(std::string& bytes);
  // Writes what the socket takes. Returns how many bytes that is, or nothing when the connection is broken.
  [[nodiscard]] std::optional<size_t> write(std::string_view bytes);
  [[nodiscard]] std::optional<size_t> write(std::span<iovec> pieces);
  // Which of UV_READABLE and UV_WRITABLE to report.
  void watch(int events) { poll_.watch(events); }
  // Whether the peer has closed both sides, or the connection is broken.
  [[nodiscard]] bool is_hung_up() const;

 private:
  Fd socket_;
  Poll poll_;
};

}  // namespace aribus::session
