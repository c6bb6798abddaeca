// The Unix sockets on which programs connect.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <sys/types.h>

#include "base/acceptor.h"
#include "base/fd.h"
#include "base/loop.h"
#include "bus/log.h"
#include "control/dispatcher.h"
#include "ipc/session.h"

namespace aribus::ipc {

inline constexpr size_t max_path_bytes = 107;  // of a socket (unix(7))

struct SocketOptions {
  std::string path;
  mode_t mode = 0660;
  std::optional<uid_t> owner = {};  // of the file; none: the process' user
  std::optional<gid_t> group = {};  // likewise
};

struct ServerOptions {
  std::vector<SocketOptions> sockets;
  control::Access access = control::Access::standard();
  size_t max_connections = 1024;
  SessionLimits session;
};

// Accepts connections and keeps their sessions. Lives on the loop's thread.
class Server {
 public:
  Server(Loop& loop, bus::Log& log, control::Dispatcher& dispatcher, ServerOptions options);
  ~Server();

  // Listens on all sockets. One that is among `inherited` (path to a socket that listens already, and does
  // not block) is taken as it is: its file, mode and group are its maker's, and so is what connects when this
  // server has ended. Others are bound: the file of a dead daemon is replaced, that of a live one is not.
  // Errors: system, invalid_params (no such group, path too long, a live daemon listens there).
  [[nodiscard]] Result<void> listen(std::map<std::string, Fd> inherited = {});

  // From here on these rules hold, for those who are connected as well: who may no more is told so and
  // closed.
  void set_access(control::Access access);

  // Accepts no more and removes the sockets' files that it made; lets commands under way finish and what
  // waits be written, up to `deadline`; then ends all sessions and calls `done`.
  void drain(Milliseconds deadline, std::function<void()> done);

  [[nodiscard]] size_t connections() const { return sessions_.size(); }
  [[nodiscard]] size_t subscribers() const;

 private:
  struct Listener {
    std::string path;
    dev_t device = 0;  // with the inode: tells our file from one that came after it; 0: it is not ours
    ino_t inode = 0;
    std::optional<Acceptor> acceptor;
  };

  Result<void> listen_on(const SocketOptions& options);
  void accept_on(Listener& listener, Fd socket);
  void add_session(Fd socket, const std::string& path);
  [[nodiscard]] Result<Usage::Connection> admit(control::Caller& caller);
  void end_turn();
  Session* take_first(std::deque<uint64_t>& queue);
  void close_listeners();
  void finish_drain();

  Loop& loop_;
  bus::Log& log_;
  control::Dispatcher& dispatcher_;
  ServerOptions options_;
  TurnBudget requests_;  // the time for handling them
  TurnBudget writing_;
  Usage usage_;
  UserNames names_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unordered_map<uint64_t, std::unique_ptr<Session>> sessions_;
  std::deque<uint64_t> reading_;   // sessions that have something to read
  std::deque<uint64_t> flushing_;  // sessions that have something to write
  std::vector<uint64_t> ended_;    // sessions to be removed at the end of the turn
  uint64_t next_session_ = 1;
  bool log_grew_ = false;
  EndOfTurn end_of_turn_;
  Timer housekeeping_;
  Timer drain_deadline_;
  std::function<void()> drained_;
};

}  // namespace aribus::ipc
