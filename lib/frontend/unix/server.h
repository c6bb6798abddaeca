// Programs on Unix sockets.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "frontend/unix/listeners.h"
#include "session/sessions.h"

namespace aribus::frontend {

// Adds the programs that connect on its sockets to the sessions, which must outlive it. Belongs to the loop's
// thread.
class UnixServer {
 public:
  UnixServer(Loop& loop, session::Sessions& sessions, std::vector<SocketOptions> sockets);

  // See UnixListeners. Who is left in `inherited` is named in the log.
  [[nodiscard]] Result<void> listen(std::map<std::string, Fd> inherited = {});
  // See UnixListeners. Connections stay when their socket goes.
  [[nodiscard]] Result<void> prepare(std::vector<SocketOptions> sockets) {
    return listeners_.prepare(std::move(sockets));
  }
  void commit() { listeners_.commit(); }
  void cancel() { listeners_.cancel(); }
  void close() { listeners_.close(); }

 private:
  UnixListeners listeners_;
};

}  // namespace aribus::frontend
