// A server on a socket of its own, and programs that are connected to it, all on one loop.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "bus/record_log.h"
#include "control/dispatcher.h"
#include "frontend/unix/server.h"
#include "pbx/assignments.h"
#include "tests/unit/helpers.h"
#include "tests/unit/session/wire.h"

namespace aribus::test {

// Log, dispatcher, sessions and server, listening in a temporary directory.
struct Daemon {
  TempDir directory;
  std::string path = directory.path("aribus.sock");
  Connect connect = connect_unix;  // what a Program does
  Loop loop;
  bus::RecordLog log;
  control::MethodTable methods;
  // Of the groups: it passes when pass() is called.
  std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now();
  pbx::Assignments assignments;
  control::Dispatcher dispatcher{methods, &assignments};
  std::optional<session::Sessions> sessions;
  std::optional<frontend::UnixServer> server;

  explicit Daemon(session::SessionLimits limits = {}, size_t max_connections = 1024,
                  size_t ring_bytes = 256 * 1024, const std::string& log_path = {});
  // Makes the sessions and the server, which listens.
  void open();
  // Ends them.
  void close();
  // Stops as the daemon does.
  void drain(Milliseconds deadline, std::function<void()> done);
  // From now on this is the one rule for all.
  void set_rule(control::AccessRule rule);
  // What is due for the groups within this time happens.
  void pass(Milliseconds time) {
    now += time;
    assignments.alive(0);
  }
  bool pump(const std::function<bool()>& done) { return test::pump(loop, done); }

  session::SessionLimits limits;
  size_t max_connections;
};

// A program's end of a connection.
class Program {
 public:
  explicit Program(Daemon& daemon);
  // Sends bytes; turns the loop while the socket is full.
  void send(std::string_view bytes);
  // Sends one line.
  void say(const std::string& line) { send(line + "\n"); }
  // Sends the request `method` with `params` and the id `id`.
  void ask(const std::string& method, const std::string& params = "{}", const std::string& id = "1");
  // Closes the sending side.
  void finish_sending();
  void close();
  // Reads what is there, at most `bytes`.
  void read(size_t bytes = SIZE_MAX);
  // The next line, waited for; "" when the connection ended or none came.
  std::string line();
  Json next() { return json(line()); }
  // Whether the server has closed the connection, waited for.
  bool ended();
  // Whether the server has closed the connection so (Wire::shows), waited for.
  bool ended_as(session::Transport::Ending ending) { return ended() && wire_->shows(ending); }
  // All bytes that came and were not taken as lines.
  [[nodiscard]] const std::string& bytes() const { return input_; }
  [[nodiscard]] int fd() const { return wire_->fd(); }

 private:
  Daemon& daemon_;
  std::unique_ptr<Wire> wire_;  // none after close()
  std::string input_;
  bool ended_ = false;
};

}  // namespace aribus::test
