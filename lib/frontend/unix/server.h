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

#include "base/fd.h"
#include "bus/record_log.h"
#include "control/access.h"
#include "control/dispatcher.h"
#include "net/acceptor.h"
#include "net/loop.h"
#include "net/retired.h"
#include "net/unix_socket.h"
#include "session/client_log.h"
#include "session/session.h"

namespace aribus::frontend {

struct ServerOptions {
  std::vector<SocketOptions> sockets;
  control::Access access = control::Access::standard();
  size_t max_connections = 1024;
  session::SessionLimits session;

  bool operator==(const ServerOptions&) const = default;
};

// Accepts connections and owns their sessions. Belongs to the loop's thread.
class Server {
 public:
  Server(Loop& loop, bus::RecordLog& log, control::Dispatcher& dispatcher, ServerOptions options);
  ~Server();

  // Listens on all sockets. A socket in `inherited` (path → a non-blocking socket that listens already) is
  // used unchanged: its file, mode and group belong to its maker, who also keeps it open after this server.
  // Others are bound: the file of a daemon that has ended is replaced, that of a running one is not. Errors:
  // see listen_on().
  [[nodiscard]] Result<void> listen(std::map<std::string, Fd> inherited = {});

  // Changes the options while it listens: opens new sockets, sets mode and owner of known ones, removes the
  // others. Connections stay and get the new limits and rules; those without a rule get an error and are
  // closed. An error changes nothing. Errors: those of listen().
  [[nodiscard]] Result<void> change(ServerOptions options);
  // As change(), for the rules alone.
  void set_access(control::Access access);

  // Stops accepting and removes the files of its sockets. Waits up to `deadline` until commands under way are
  // finished and everything is written; then ends all sessions and calls `done`.
  void drain(Milliseconds deadline, std::function<void()> done);

  [[nodiscard]] size_t connections() const { return sessions_.size(); }
  // Required: it is connected.
  [[nodiscard]] session::Session& session(uint64_t connection) { return *sessions_.at(connection); }
  // The result of daemon.clients: connected and disconnected programs.
  [[nodiscard]] session::Clients clients() const;
  // Number of records that each subscriber is behind.
  [[nodiscard]] std::vector<uint64_t> behind() const;
  // Counts since this object was made.
  [[nodiscard]] const session::SessionCounts& session_counts() const { return session_counts_; }
  [[nodiscard]] uint64_t accepted() const { return next_session_ - 1; }
  [[nodiscard]] uint64_t turned_away() const { return turned_away_; }

 private:
  struct Listener {
    std::string path;
    SocketFile file;  // none where it is not ours
    std::optional<Acceptor> acceptor;
  };

  Result<void> add_listener(const SocketOptions& options);
  void accept_on(const std::string& path, SocketFile file, Fd socket);
  void add_session(Fd socket, const std::string& path);
  void look_after_clients();
  [[nodiscard]] Result<session::Quota::Connection> admit(control::Caller& caller);
  [[nodiscard]] Result<void> check_room(const control::Caller& caller) const;
  void retire(uint64_t session);
  void end_turn();
  session::Session* take_first(std::deque<uint64_t>& queue);
  void finish_drain();

  Loop& loop_;
  bus::RecordLog& log_;
  control::Dispatcher& dispatcher_;
  ServerOptions options_;
  session::TurnBudget requests_;  // the time for handling them
  session::TurnBudget writing_;
  session::SessionCounts session_counts_;
  uint64_t turned_away_ = 0;  // connections beyond a limit, or without a rule
  session::Quota quota_;
  session::SharedLines lines_;
  session::UserNames names_;
  session::ClientLog client_log_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unordered_map<uint64_t, std::unique_ptr<session::Session>> sessions_;
  std::deque<uint64_t> reading_;   // sessions that have something to read
  std::deque<uint64_t> flushing_;  // sessions that have something to write
  Retired<session::Session> retired_;
  uint64_t next_session_ = 1;
  size_t log_listener_ = 0;  // its number
  bool log_grew_ = false;
  EndOfTurn end_of_turn_;
  Timer housekeeping_;
  Timer drain_deadline_;
  std::function<void()> drained_;
};

}  // namespace aribus::frontend
