// The bytes of one connection, as lines.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include <sys/uio.h>

namespace aribus::session {

// A session speaks lines in both directions: each message is one line, a JSON text that ends with "\n". A
// transport that frames messages otherwise translates. The session owns it; it belongs to the loop's thread.
class Transport {
 public:
  enum class Input {
    bytes,
    nothing,  // at present
    end,      // the peer sends no more, and may still read
    closed,   // the connection is over, or broken
  };
  // Why the session closes it.
  enum class Ending {
    finished,  // everything is answered, or the peer has closed it
    refused,   // an access rule or a limit
    too_slow,  // on_overflow: disconnect
    stopping,  // the daemon
  };

  Transport() = default;
  virtual ~Transport() = default;  // closes the connection
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // Called at most once; reading, writing and closing need no start(). From now on calls
  // `on_ready(input, output)` in each turn of the loop in which read() would return anything but `nothing`,
  // or write() would take bytes, as far as watch() asked for it. `on_ready` may call everything else here;
  // this object outlives the call.
  virtual void start(std::function<void(bool input, bool output)> on_ready) = 0;
  // What to call `on_ready` for. At first for nothing.
  virtual void watch(bool input, bool output) = 0;
  // Replaces `bytes` by what has come, parts of lines or several, 64 KiB at most. Leaves them alone unless it
  // returns `bytes`.
  [[nodiscard]] virtual Input read(std::string& bytes) = 0;
  // After read() has returned `bytes`: whether there may be more, or an end, to be read at once. Otherwise
  // `on_ready` tells.
  [[nodiscard]] virtual bool has_more() const { return true; }
  // Writes what the connection takes of `pieces` without blocking. Returns how many of their bytes it took:
  // they are on their way, or the transport keeps them. Fewer than there are: it has no room for the rest
  // until `on_ready` says so. Nothing: the connection is broken. Nothing points to `pieces` after the call.
  //
  // After a part of a line the next call begins with its rest; after whole lines, with any line. So a
  // transport that has begun a message on the wire takes at least the first byte of its line. It takes the
  // end of a line ("\n") only when nothing of the line is kept: the session may close it then.
  [[nodiscard]] virtual std::optional<size_t> write(std::span<iovec> pieces) = 0;
  // Whether the peer has closed both directions, or the connection is broken.
  [[nodiscard]] virtual bool is_hung_up() const = 0;
  // Whether the peer has taken leave, or broken the protocol: nothing more is read or written.
  [[nodiscard]] virtual bool is_over() const { return false; }
  // Says goodbye in the words of the wire's protocol, as far as the peer takes it at once. After it
  // `on_ready` is not called any more, and nothing is read or written.
  virtual void close(Ending ending) = 0;
};

}  // namespace aribus::session
