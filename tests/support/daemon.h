// A real aribusd on a private socket.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "client/connection.h"
#include "tests/support/process.h"

namespace aribus::test {

// One Asterisk to connect to.
struct Server {
  std::string name = "pbx1";
  std::string url;
  std::string username = "aribus";
  std::string password = "aribus-test-secret";
  std::vector<std::string> apps{"demo"};
  bool subscribe_all = false;
  std::string more;  // further keys, each as "    key: value\n"
};

class Daemon {
 public:
  // Starts it, with `more_config` (further sections of YAML) and `environment` ("NAME=value") added, and
  // waits until it listens.
  explicit Daemon(const std::vector<Server>& servers, const std::string& more_config = {},
                  const std::vector<std::string>& environment = {});
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Writes another configuration, as for the constructor, which counts from reload() on.
  void configure(const std::vector<Server>& servers, const std::string& more_config = {}) const;
  // Calls daemon.reload, which must apply the configuration; throws with the reason otherwise. Returns its
  // result.
  Json reload() const;
  // A new connection. When ARIBUS_TRAFFIC names a folder, a file there gets every line that the daemon sends
  // over it (<process>-<connection>.jsonl), and another what the test sends (….requests.jsonl).
  [[nodiscard]] client::Connection connect() const;
  // Waits until all servers are connected and what lives on them is known.
  void wait_ready() const;
  [[nodiscard]] Process& process() { return *process_; }
  [[nodiscard]] std::string socket_path() const { return directory_ / "aribus.sock"; }
  [[nodiscard]] std::string config_path() const { return directory_ / "aribusd.yaml"; }
  [[nodiscard]] std::string log() const { return read_file(directory_ / "log"); }
  // A file in its own directory, for `more_config`.
  [[nodiscard]] static std::string own_path(const std::string& name) { return "@DIRECTORY@/" + name; }
  // Kills it with SIGKILL and starts it again, and waits until it listens.
  void kill_and_start();
  // Ends it with SIGTERM; returns its exit status, or -1 when it does not end within 30 s.
  int stop();
  // stop(), and starts it again, and waits until it listens. Throws when it does not end with status 0.
  void restart();

 private:
  void start();
  [[nodiscard]] client::Connection connect_recorded(const std::string& folder) const;

  TemporaryDirectory directory_;
  std::vector<std::string> environment_;
  std::unique_ptr<Process> process_;
  mutable std::vector<std::unique_ptr<Process>> taps_;  // of connections, in their order
};

}  // namespace aribus::test
