// Where the examples of the documentation are played: a simulated Asterisk, an aribusd, and stage directions.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/docs/expectation.h"
#include "tests/docs/markdown.h"
#include "tests/support/daemon.h"
#include "tests/support/process.h"

namespace aribus::test {

// One simulated Asterisk on a port of its own.
class Simulator {
 public:
  explicit Simulator(const std::string& version);
  [[nodiscard]] const std::string& url() const { return url_; }
  // Sends `body` to one of its controls, as "/sim/call", and returns the answer.
  Json control(const std::string& path, const std::string& body) const;

 private:
  Process process_;
  std::string url_;
};

// What an example needs around it. Options of its fence: asterisk=16 (else 22), servers=2 (else 1: then they
// are pbx1 and pbx2), ring=64KiB.
class Stage {
 public:
  explicit Stage(const Fence& fence);

  // Does what a line such as "# Alice calls; her channel is "1.0"." says; throws when it is no known
  // direction.
  void direct(const std::string& line, Aliases& aliases);
  // Has calls come and go all the time, for programs that watch.
  void keep_busy();
  // Channels of these ids, answered, in the application.
  void add_channels(const std::vector<std::string>& ids);

  [[nodiscard]] Daemon& daemon() { return *daemon_; }
  // Where the daemon listens for WebSockets.
  [[nodiscard]] std::string web_path() const;
  [[nodiscard]] const Simulator& asterisk() const { return *asterisks_.front(); }

 private:
  void wait_status(const std::function<bool(const JsonValue& status)>& reached) const;

  std::vector<std::unique_ptr<Simulator>> asterisks_;
  std::vector<Server> servers_;
  std::unique_ptr<Daemon> daemon_;
};

// Endpoints that the documentation names and nobody has here, as ones that answer.
[[nodiscard]] std::string with_local_endpoints(std::string text);

}  // namespace aribus::test
