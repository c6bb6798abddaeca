// The sessions of all connected programs, however they are connected.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "bus/record_log.h"
#include "control/access.h"
#include "control/dispatcher.h"
#include "net/loop.h"
#include "net/retired.h"
#include "session/client_log.h"
#include "session/session.h"

namespace aribus::session {

struct SessionsOptions {
  control::Access access = control::Access::standard();
  size_t max_connections = 1024;
  SessionLimits limits;

  bool operator==(const SessionsOptions&) const = default;
};

// Owns the sessions: lets programs in, gives sessions their turns, applies other rules and limits to them,
// and ends them. Front-ends accept the connections and find out whose they are. Belongs to the loop's thread.
class Sessions {
 public:
  Sessions(Loop& loop, bus::RecordLog& log, control::Dispatcher& dispatcher, SessionsOptions options);
  ~Sessions();

  // `peer` has connected. Without an access rule, or beyond a limit, it gets an error line and is closed
  // (Transport::Ending::refused). Required: nothing was read from `transport` or written to it.
  void add(std::unique_ptr<Transport> transport, control::Peer peer);

  // Changes rules and limits. Connections stay and get the new ones; those without a rule get an error and
  // are closed.
  void change(SessionsOptions options);
  // As change(), for the rules alone.
  void set_access(control::Access access);

  // Waits up to `deadline` until commands under way are finished and everything is written; then ends all
  // sessions and calls `done`, but not before it returns. Required: nothing is added any more.
  void drain(Milliseconds deadline, std::function<void()> done);

  [[nodiscard]] size_t connections() const { return sessions_.size(); }
  // The session of that number; nullptr when it has ended.
  [[nodiscard]] Session* find(uint64_t connection) const;
  // The result of daemon.clients: connected and disconnected programs.
  [[nodiscard]] Clients clients() const;
  // Number of records that each subscriber is behind.
  [[nodiscard]] std::vector<uint64_t> behind() const;
  // Counts since this object was made.
  [[nodiscard]] const SessionCounts& counts() const { return counts_; }
  [[nodiscard]] uint64_t accepted() const { return next_session_ - 1; }
  [[nodiscard]] uint64_t turned_away() const { return turned_away_; }

 private:
  void look_after_clients();
  [[nodiscard]] Result<Quota::Connection> admit(control::Caller& caller);
  [[nodiscard]] Result<void> check_room(const control::Caller& caller) const;
  void turn_away(Transport& transport, const control::Caller& caller, const Error& why);
  void retire(uint64_t session);
  void want_turn();
  void end_turn();
  void flush_sessions();
  Session* take_first(std::deque<uint64_t>& queue);
  void finish_drain();

  bus::RecordLog& log_;
  control::Dispatcher& dispatcher_;
  SessionsOptions options_;
  TurnBudget requests_;  // the time for handling them
  TurnBudget writing_;
  SessionCounts counts_;
  uint64_t turned_away_ = 0;  // connections beyond a limit, or without a rule
  Quota quota_;
  SharedLines lines_;
  UserNames names_;
  ClientLog client_log_;
  std::unordered_map<uint64_t, std::unique_ptr<Session>> sessions_;
  std::deque<uint64_t> reading_;   // sessions that have something to read
  std::deque<uint64_t> flushing_;  // sessions that have something to write
  Retired<Session> retired_;
  uint64_t next_session_ = 1;
  size_t log_listener_ = 0;  // its number
  bool log_grew_ = false;
  bool is_ending_turn_ = false;
  EndOfTurn end_of_turn_;
  Timer housekeeping_;
  Timer drain_deadline_;
  std::function<void()> drained_;
};

}  // namespace aribus::session
