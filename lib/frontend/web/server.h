// Programs on WebSockets.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/log.h"
#include "base/result.h"
#include "frontend/unix/listeners.h"
#include "net/loop.h"
#include "net/retired.h"
#include "session/sessions.h"

namespace aribus::frontend {

// Listens on one Unix socket, or on none, does the handshakes of WebSockets there, and adds the programs to
// the sessions, which must outlive it. Belongs to the loop's thread.
//
// At most 32 handshakes are under way, 5 s each. For a further one, another one is dropped (who_makes_room):
// whoever connects and says nothing keeps nobody out.
class WebServer {
 public:
  WebServer(Loop& loop, session::Sessions& sessions, const std::optional<SocketOptions>& socket,
            Milliseconds handshake_timeout = Milliseconds(5000));
  ~WebServer();

  // See UnixListeners.
  [[nodiscard]] Result<void> listen(std::map<std::string, Fd>& inherited) {
    return listeners_.listen(inherited);
  }
  // See UnixListeners. Connections and handshakes stay when their socket goes.
  [[nodiscard]] Result<void> prepare(const std::optional<SocketOptions>& socket);
  void commit() { listeners_.commit(); }
  void cancel() { listeners_.cancel(); }
  // Stops accepting, refuses handshakes under way, and removes the file of its socket. Connections stay.
  void close();

 private:
  class Handshake;

  void begin(Fd socket, control::Peer peer);
  void make_room();
  void finish(Handshake& handshake, const std::string& head);
  void refuse(Handshake& handshake, const std::string& answer);
  void drop(Handshake& handshake);

  Loop& loop_;
  session::Sessions& sessions_;
  Milliseconds handshake_timeout_;
  std::vector<std::unique_ptr<Handshake>> handshakes_;  // under way
  Retired<Handshake> gone_;
  RareWarnings warnings_;
  UnixListeners listeners_;
};

}  // namespace aribus::frontend
