// How the programs of a test are connected: over which transport.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "session/transport.h"

namespace aribus::test {

struct Daemon;

// A program's end of a connection. The program sends and receives lines; what they are on the wire is hidden.
class Wire {
 public:
  virtual ~Wire() = default;  // closes the connection
  // Sends `bytes`, which may be parts of lines. Returns how many it took at present; nothing when the daemon
  // has closed the connection.
  virtual std::optional<size_t> send(std::string_view bytes) = 0;
  virtual void finish_sending() = 0;
  // Appends what has come to `input`, from at most `bytes` bytes of the wire. Returns whether the daemon has
  // closed the connection, and everything from before is read.
  virtual bool read(std::string& input, size_t bytes) = 0;
  // Whether the daemon has said goodbye so. True where the wire does not show that.
  [[nodiscard]] virtual bool shows(session::Transport::Ending /*ending*/) const { return true; }
  // The socket, if it has one.
  [[nodiscard]] virtual int fd() const { return -1; }
};

using Connect = std::function<std::unique_ptr<Wire>(Daemon& daemon)>;

// To daemon.path.
[[nodiscard]] std::unique_ptr<Wire> connect_unix(Daemon& daemon);
// By a WebSocket whose handshake is done.
[[nodiscard]] std::unique_ptr<Wire> connect_websocket(Daemon& daemon);
// By a MemoryTransport, on which `window` bytes to the program can be under way.
[[nodiscard]] Connect connect_in_memory(size_t window);

// What a test of sessions is run over, with names. `few` leaves out those whose wire takes a few bytes at a
// time, as these need many turns of the loop.
[[nodiscard]] std::vector<std::pair<std::string, Connect>> every_transport(bool few = false);

}  // namespace aribus::test
