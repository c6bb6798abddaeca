// The Unix sockets on which programs connect.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "net/acceptor.h"
#include "net/loop.h"
#include "net/unix_socket.h"
#include "session/sessions.h"

namespace aribus::frontend {

// Accepts connections on Unix sockets, finds out who has connected, and adds them to the sessions. Belongs to
// the loop's thread; the sessions must outlive it.
class UnixServer {
 public:
  UnixServer(Loop& loop, session::Sessions& sessions, std::vector<SocketOptions> sockets);

  // Listens on all sockets. A socket in `inherited` (path → a non-blocking socket that listens already) is
  // used unchanged: its file, mode and group belong to its maker, who also keeps it open after this server.
  // Others are bound: the file of a daemon that has ended is replaced, that of a running one is not. Errors:
  // see listen_on().
  [[nodiscard]] Result<void> listen(std::map<std::string, Fd> inherited = {});

  // Listens on `sockets` from now on: opens new ones, sets mode and owner of known ones, removes the others.
  // Connections stay. An error changes nothing. Errors: those of listen().
  [[nodiscard]] Result<void> change(std::vector<SocketOptions> sockets);

  // Stops accepting and removes the files of its sockets. Connections stay.
  void close() { listeners_.clear(); }

 private:
  struct Listener {
    std::string path;
    SocketFile file;  // none where it is not ours
    std::optional<Acceptor> acceptor;
  };

  Result<void> add_listener(const SocketOptions& options);
  void accept_on(const std::string& path, SocketFile file, Fd socket);
  void add(Fd socket, const std::string& path);

  Loop& loop_;
  session::Sessions& sessions_;
  std::vector<SocketOptions> sockets_;
  std::vector<std::unique_ptr<Listener>> listeners_;
};

}  // namespace aribus::frontend
