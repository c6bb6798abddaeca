// The Unix sockets of a front-end.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "control/peer.h"
#include "net/acceptor.h"
#include "net/loop.h"
#include "net/unix_socket.h"

namespace aribus::frontend {

// Accepts connections on Unix sockets and finds out who has connected. Belongs to the loop's thread.
class UnixListeners {
 public:
  // `connected` gets each connection, which does not block; it must not change or destroy this object.
  UnixListeners(Loop& loop, std::vector<SocketOptions> sockets,
                std::function<void(Fd, control::Peer)> connected);

  // Listens on all sockets. A socket in `inherited` (path → a non-blocking socket that listens already) is
  // taken out of it and used unchanged: its file, mode and group belong to its maker, who also keeps it open
  // after this object. Others are bound: the file of a daemon that has ended is replaced, that of a running
  // one is not. Errors: see listen_on().
  [[nodiscard]] Result<void> listen(std::map<std::string, Fd>& inherited);

  // The first half of a change to `sockets`: opens new ones, sets mode and owner of known ones, and keeps the
  // others. commit() or cancel() must follow in the same turn of the loop. An error changes nothing. Errors:
  // those of listen(), but that no socket is inherited; those of set_rights().
  [[nodiscard]] Result<void> prepare(std::vector<SocketOptions> sockets);
  // The second half: removes the sockets that are no longer wanted. Required: prepare() has succeeded.
  void commit();
  // Takes back what prepare() has done, if anything.
  void cancel();

  // Stops accepting and removes the files of its sockets.
  void close() { listeners_.clear(); }

 private:
  struct Listener {
    std::string path;
    SocketFile file;  // none where it is not ours
    std::optional<Acceptor> acceptor;
  };

  // A change between prepare() and commit().
  struct Change {
    std::vector<SocketOptions> sockets;
    std::vector<std::unique_ptr<Listener>> opened;
    std::vector<SocketOptions> rights_before;  // of the files whose rights were set
  };

  [[nodiscard]] Result<std::unique_ptr<Listener>> open(const SocketOptions& options);
  [[nodiscard]] Result<void> prepare(const SocketOptions& socket, Change& change);
  std::unique_ptr<Listener> accept_on(const std::string& path, SocketFile file, Fd socket);
  void on_accept(Fd socket, const std::string& path);

  Loop& loop_;
  std::vector<SocketOptions> sockets_;
  std::function<void(Fd, control::Peer)> connected_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::optional<Change> change_;  // none: nothing is prepared
};

}  // namespace aribus::frontend
